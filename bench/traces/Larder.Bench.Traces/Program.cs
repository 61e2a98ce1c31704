// Replays access traces against Larder's memory tier and the policies of the literature; bench/traces.sh keeps the result.
//
//   [directory]       with traces (*.trace.gz: one key a line); without it only the generated ones are replayed
//   --only NAME       only traces whose name contains it
//   --policy NAME     only this policy

using Larder.Bench.Traces;
using Larder.Bench.Traces.Policies;

string filter = Option("--only"), policyFilter = Option("--policy");
string? directory = args.Where((arg, i) => !arg.StartsWith("--", StringComparison.Ordinal) && (i == 0 || !args[i - 1].StartsWith("--", StringComparison.Ordinal))).FirstOrDefault();

(string Name, Func<Setting, IPolicy> Make)[] policies =
[
    ("LRU", setting => new Lru(setting)),
    ("CLOCK", setting => new Clock(setting)),
    ("SIEVE", setting => new Sieve(setting)),
    ("S3-FIFO", setting => new S3Fifo(setting, coldFill: false)),
    ("S3-fill", setting => new S3Fifo(setting, coldFill: true)),
    ("W-TinyLFU", setting => new WTinyLfu(setting)),
    ("Larder", setting => new RealLarder(setting)),
    ("OPT", setting => new Belady(setting)),
];
policies = [.. policies.Where(policy => policy.Name.StartsWith(policyFilter, StringComparison.OrdinalIgnoreCase))];
var report = new Report(Console.Out, [.. policies.Select(policy => policy.Name)], limit: "OPT");

Section("Generated", Generators.All(), [0.05, 0.1, 0.2], byBytes: false);
Section("Loops", [Generators.Loop()], [0.5, 0.8, 0.95], byBytes: false);
if (directory is not null) Section("From files", TraceFiles.In(directory), [0.05, 0.1, 0.2], byBytes: false);
Section("Sized", SizedGenerators.All(), [0.05, 0.1, 0.2], byBytes: true);
return 0;

string Option(string name) => Array.IndexOf(args, name) is >= 0 and var at && at + 1 < args.Length ? args[at + 1] : "";

void Section(string title, IEnumerable<Trace> traces, double[] shares, bool byBytes)
{
    Point[] points =
    [
        .. from trace in traces
           where trace.Name.Contains(filter, StringComparison.OrdinalIgnoreCase)
           from share in shares
           select new Point(trace, share),
    ];
    if (points.Length == 0) return;
    Score[,] scores = Replay.Run(points, policies);
    report.Write(byBytes ? title + ": hits, % of requests" : title + ": hits, %", points, scores, score => score.Objects);
    if (byBytes) report.Write(title + ": hits, % of bytes", points, scores, score => score.Bytes);
}
