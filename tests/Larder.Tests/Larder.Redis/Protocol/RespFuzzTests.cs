using System.Globalization;
using FsCheck.Fluent;
using Larder.Redis;
using Larder.Tests.Support;

namespace Larder.Tests.RedisClient;

/// <summary>Replies that were damaged, and bytes that never were one. LARDER_FUZZ says how many; tests/fuzz.sh asks for ten million.</summary>
[Collection(Alone.Name)]
public sealed class RespFuzzTests
{
    private const int InCi = 1_000_000;
    private static readonly RespLimits Limits = new() { Bytes = 1 << 16, Elements = 1 << 10, Depth = 8, Line = 1 << 12 };

    /// <summary>Values, texts, and the arrays they are in: what the limits let grow from an input, and the reader itself.</summary>
    private const long MostAllocated = 200_000;

    private static readonly byte[] Interesting = [.. "+-:$*%~>|=!#,(_?;.\r\n0123456789-"u8];

    [Fact]
    public void Nothing_but_the_protocol_s_exception_and_bounded_memory()
    {
        int count = int.TryParse(Environment.GetEnvironmentVariable("LARDER_FUZZ"), NumberStyles.None, CultureInfo.InvariantCulture, out int asked) ? asked : InCi;
        byte[][] valid = [.. RespText.Value().Sample(1000, 10).Select(RespText.Encode).Where(bytes => bytes.Length < 2048), "|1\r\n+a\r\n:1\r\n$3\r\nabc\r\n"u8.ToArray(), "=8\r\ntxt:some\r\n"u8.ToArray()];
        long refused = 0, replies = 0, worst = 0;
        Parallel.For(0, Environment.ProcessorCount, thread =>
        {
            var random = new Random(thread + 12345);
            byte[] input = new byte[4096];
            for (int i = thread; i < count; i += Environment.ProcessorCount)
            {
                int length = random.Next(4) == 0 ? Invent(random, input) : Damage(random, valid[random.Next(valid.Length)], input);
                long before = GC.GetAllocatedBytesForCurrentThread();
                (int read, bool threw) = Read(input.AsSpan(0, length), random);
                long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
                if (allocated > Volatile.Read(ref worst)) Interlocked.Exchange(ref worst, allocated);
                if (threw) Interlocked.Increment(ref refused);
                Interlocked.Add(ref replies, read);
            }
        });
        // The control: neither everything nor nothing was refused.
        Assert.InRange(refused, count / 10, count - count / 10);
        Assert.True(replies > count / 20);
        Assert.InRange(worst, 1, MostAllocated);
    }

    private static (int Read, bool Threw) Read(ReadOnlySpan<byte> input, Random random)
    {
        var reader = new RespReader(Limits);
        int read = 0;
        try
        {
            while (input.Length > 0)
            {
                int length = Math.Min(input.Length, random.Next(1, 200));
                ReadOnlySpan<byte> piece = input[..length];
                while (reader.TryRead(ref piece, out _)) read++;
                input = input[length..];
            }
        }
        catch (RespException)
        {
            return (read, true);
        }
        return (read, false);
    }

    private static int Invent(Random random, byte[] into)
    {
        int length = random.Next(1, 64);
        for (int i = 0; i < length; i++) into[i] = random.Next(3) > 0 ? Interesting[random.Next(Interesting.Length)] : (byte)random.Next(256);
        return length;
    }

    private static int Damage(Random random, byte[] reply, byte[] into)
    {
        reply.CopyTo(into, 0);
        int length = reply.Length;
        for (int times = random.Next(3); times > 0 && length > 1; times--)
        {
            int at = random.Next(length);
            switch (random.Next(4))
            {
                case 0: into[at] = (byte)random.Next(256); break;
                case 1: into[at] = Interesting[random.Next(Interesting.Length)]; break;
                case 2:
                    into.AsSpan(at + 1, length - at - 1).CopyTo(into.AsSpan(at));
                    length--;
                    break;
                default:
                    into.AsSpan(at, length - at).CopyTo(into.AsSpan(at + 1));
                    into[at] = Interesting[random.Next(Interesting.Length)];
                    length++;
                    break;
            }
        }
        return length;
    }
}
