using System.Runtime.InteropServices;
using Larder.Gateway.Configuration;
using Larder.Gateway.Hosting;

namespace Larder.Cli.Configuration;

/// <summary>Has the gateway follow its configuration file: when its content changes, and on SIGHUP.</summary>
internal sealed class ConfigWatch(ServeInput input, TimeProvider time)
{
    private readonly Lock _gate = new();

    // Looks before the file is read at the start: a change in between is seen later, not lost.
    private readonly FileWatch? _watch = input.File is { } file ? new([file], time) : null;

    /// <summary>Reloads until it is told to stop. Without a file there is nothing to follow, and signals keep their meaning.</summary>
    public async Task RunAsync(GatewayReload gateway, CancellationToken stop)
    {
        if (_watch is null) return;
        using PosixSignalRegistration? signal = OperatingSystem.IsWindows() ? null : PosixSignalRegistration.Create(PosixSignal.SIGHUP, asked =>
        {
            asked.Cancel = true;
            Reload(gateway);
        });
        await _watch.RunAsync(() => Reload(gateway), stop);
    }

    /// <summary>Whatever happens here, the gateway goes on, and the next change is followed.</summary>
    private void Reload(GatewayReload gateway)
    {
        lock (_gate)
        {
            ConfigurationResult read = input.Read();
            if (read.Options is not { } options)
            {
                gateway.Refuse(read.Problems.Count > 0 ? read.Problems : [new(input.File!, null, "", "no origin is given")]);
                return;
            }
            try
            {
                gateway.Apply(options);
            }
            catch (Exception e) when (e is ArgumentException or AggregateException)
            {
                gateway.Refuse([new(input.File!, null, "", Shown.Sentence(e.Message))]);
            }
        }
    }
}
