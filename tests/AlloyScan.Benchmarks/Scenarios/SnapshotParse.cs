using System.Net;
using AlloyScan.Benchmarks.Floor;
using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Site;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace AlloyScan.Benchmarks.Scenarios;

/// <summary>
/// One snapshot from the handler of HTTP messages to the finished object: what the site client adds to the bare reading
/// of the bytes. The answers come from memory, so neither network nor site is measured.
/// </summary>
[MemoryDiagnoser]
public class SnapshotParse : IAsyncDisposable
{
    private SiteProcess _site = null!;
    private SiteClient _client = null!;
    private FloorSite _floor = null!;
    private string _auditId = "";

    /// <summary>Runs this class under BenchmarkDotNet, in this process: a build of its own would need a package feed.</summary>
    public static void Run() =>
        BenchmarkRunner.Run<SnapshotParse>(ManualConfig.Create(DefaultConfig.Instance).AddJob(Job.Default.WithToolchain(InProcessEmitToolchain.Instance)));

    // The toolchain that runs in this process does not wait for a setup that is a task.
    [GlobalSetup]
    public void Setup() => SetupAsync().GetAwaiter().GetResult();

    [GlobalCleanup]
    public void Cleanup() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    private async Task SetupAsync()
    {
        _site = await SiteProcess.StartAsync(50, 80);
        var url = new Uri(_site.Url);
        FloorDevice? device = null;
        using (var direct = await FloorSite.ConnectAsync(url, SiteProcess.ClientId, Processes.Secret))
        {
            await foreach (var page in direct.ReadPagesAsync())
            {
                foreach (var candidate in page.Devices)
                {
                    await direct.ReadDetailAsync(candidate);
                    if (candidate.AuditId is null)
                        continue;

                    await direct.ReadSnapshotAsync(candidate);
                    if (candidate.Software.Count >= 60)
                        device ??= candidate;
                }
            }
        }

        _auditId = device!.AuditId!;
        _floor = await FloorSite.ConnectAsync(url, SiteProcess.ClientId, Processes.Secret, new Replay());
        _client = new SiteClient(new SiteConnectionOptions
        {
            SiteUrl = url,
            ClientId = SiteProcess.ClientId,
            ClientSecret = new Secret(Processes.Secret),
            Transport = new Replay(),
        });
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        _floor.Dispose();
        await _site.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Benchmark(Baseline = true)]
    public async Task<int> Floor()
    {
        var device = new FloorDevice { AuditId = _auditId };
        await _floor.ReadSnapshotAsync(device);
        return device.Software.Count;
    }

    [Benchmark]
    public async Task<AuditSnapshot?> SiteClient() => await _client.ReadSnapshotAsync(_auditId, CancellationToken.None);

    /// <summary>Asks the site once for each address and repeats its answer from then on.</summary>
    private sealed class Replay : DelegatingHandler
    {
        private readonly Dictionary<string, byte[]> _bodies = [];

        public Replay()
            : base(new SocketsHttpHandler())
        {
        }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var path = request.RequestUri!.AbsolutePath;
            if (!_bodies.TryGetValue(path, out var body))
            {
                using var answer = await base.SendAsync(request, cancellationToken);
                answer.EnsureSuccessStatusCode();
                body = await answer.Content.ReadAsByteArrayAsync(cancellationToken);
                _bodies.Add(path, body);
            }

            var content = new ByteArrayContent(body);
            content.Headers.ContentType = new("application/json");
            return new HttpResponseMessage(HttpStatusCode.OK) { Content = content, RequestMessage = request };
        }
    }
}
