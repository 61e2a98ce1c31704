// Larder against a bare ConcurrentDictionary and the framework's MemoryCache. `bench/engine.sh` runs all of it and keeps the results.
//
//   (nothing)         BenchmarkDotNet, one process per case: about ten minutes
//   --quick           the same in this process with short runs: about a minute, figures to look at, not to quote
//   --paired [mixed]  the three take turns of 20 ms; medians of the ratios, which a busy machine disturbs least; all, or the classes that begin so
//   --memory          bytes per entry
//   --redis PORT CALLERS SECONDS    GETs of the Redis client against a running server; bench/redis.sh starts one and compares
//   --redis-tier PORT KIND [--quick]    caches on a running server: memory, hits, travel or replay
//   --hits            share of hits of the mixed workload
//
// What else BenchmarkDotNet understands (--filter '*Hit*', --artifacts DIR, --list) goes with the first two.

using System.Globalization;
using BenchmarkDotNet.Analysers;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Exporters.Json;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Larder.Benchmarks;
using Perfolizer.Horology;

Type[] types = [typeof(ReadBenchmarks), typeof(TwoThreadBenchmarks), typeof(WriteBenchmarks), typeof(FillBenchmarks), typeof(MixedBenchmarks)];

if (args.Contains("--memory")) return MemoryMeasurement.Run(Console.Out);
if (args.Contains("--hits")) return HitShareMeasurement.Run(Console.Out);
if (args is ["--redis", var port, var callers, var seconds]) return await RedisMeasurement.RunAsync(int.Parse(port, CultureInfo.InvariantCulture), int.Parse(callers, CultureInfo.InvariantCulture), double.Parse(seconds, CultureInfo.InvariantCulture), Console.Out);
if (args is ["--redis-tier", var server, var kind, ..]) return await RedisTierMeasurement.RunAsync(int.Parse(server, CultureInfo.InvariantCulture), kind, args.Contains("--quick"), Console.Out);
if (args.Contains("--paired"))
    return PairedMeasurement.Run(types.Where(type => !args.Any(arg => !arg.StartsWith('-')) || args.Any(arg => type.Name.StartsWith(arg, StringComparison.OrdinalIgnoreCase))), rounds: args.Contains("--quick") ? 11 : 101, Console.Out);

bool quick = args.Contains("--quick");
string[] rest = [.. args.Where(arg => arg != "--quick")];
if (!rest.Contains("--filter") && !rest.Contains("--list")) rest = [.. rest, "--filter", "*"];

Job job = quick
    ? Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance).WithIterationTime(TimeInterval.FromMilliseconds(100)).WithId("Quick")
    : Job.Default.WithLaunchCount(3).WithWarmupCount(6).WithIterationCount(12).WithIterationTime(TimeInterval.FromMilliseconds(200)).WithId("Engine");

var config = ManualConfig.CreateEmpty()
    .AddJob(job)
    .AddDiagnoser(MemoryDiagnoser.Default)
    .AddLogger(ConsoleLogger.Default)
    .AddColumnProvider(DefaultColumnProviders.Instance)
    .AddColumn(CategoriesColumn.Default)
    .HideColumns(Column.Job, Column.Gen0, Column.Gen1, Column.Gen2, Column.AllocRatio)
    .AddLogicalGroupRules(BenchmarkLogicalGroupRule.ByCategory)
    .AddExporter(MarkdownExporter.GitHub, JsonExporter.Full)
    .AddAnalyser([.. DefaultConfig.Instance.GetAnalysers().Where(analyser => analyser is not MinIterationTimeAnalyser)])
    .WithOptions(ConfigOptions.JoinSummary);

var summaries = BenchmarkSwitcher.FromTypes(types).Run(rest, config).ToList();
return summaries.All(summary => !summary.HasCriticalValidationErrors && summary.Reports.All(report => report.Success)) ? 0 : 1;
