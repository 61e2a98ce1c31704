using System.Runtime.InteropServices;
using Larder.Gateway.Configuration;
using Larder.Gateway.Hosting;

namespace Larder.Cli.Configuration;

/// <summary>Has the gateway follow its configuration file: when its content changes, and on SIGHUP.</summary>
internal sealed class ConfigWatch(ServeInput input, TimeProvider time)
{
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

    private void Reload(GatewayReload gateway)
    {
        ConfigurationResult read = input.Read();
        if (read.Options is { } options) gateway.Apply(options);
        else gateway.Refuse(read.Problems.Count > 0 ? read.Problems : [new(input.File!, null, "", "no origin is given")]);
    }
}
