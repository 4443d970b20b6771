using System.Collections.Concurrent;
using System.Globalization;

namespace AlloyScan.SampleSite;

/// <summary>How often a route was called and answered with a status.</summary>
/// <param name="Route">Method and route, such as <c>GET /api/v1/devices/{id}</c>.</param>
/// <param name="Status">HTTP status of the answer.</param>
/// <param name="Calls">How often.</param>
public sealed record SampleSiteCalls(string Route, int Status, long Calls);

/// <summary>What the site was asked: counters in memory, and a line a request in a file if one was named.</summary>
public sealed class SampleSiteLog : IDisposable
{
    private readonly ConcurrentDictionary<(string Method, string Route, int Status), StrongCount> _counts = new();
    private readonly Lock _lock = new();
    private readonly TimeProvider _clock;
    private readonly ITimer? _timer;
    private StreamWriter? _file;

    internal SampleSiteLog(string? path, TimeProvider clock)
    {
        _clock = clock;
        if (path is null)
            return;

        _file = new StreamWriter(new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite)) { NewLine = "\n" };
        _timer = TimeProvider.System.CreateTimer(_ => Flush(), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
    }

    /// <summary>All requests, token requests included: what a site counts against the month's API transactions.</summary>
    public long Requests => _counts.Sum(c => c.Value.Calls);

    /// <summary>Counters by route and status, in order of route.</summary>
    public IReadOnlyList<SampleSiteCalls> Calls =>
        [.. _counts.Select(c => new SampleSiteCalls($"{c.Key.Method} {c.Key.Route}", c.Key.Status, c.Value.Calls)).OrderBy(c => c.Route, StringComparer.Ordinal).ThenBy(c => c.Status)];

    /// <summary>Calls of one route, such as <c>GET /api/v1/devices</c>, whatever the status.</summary>
    public long CountOf(string route) => Calls.Where(c => c.Route == route).Sum(c => c.Calls);

    /// <summary>Sets all counters to zero.</summary>
    public void Reset() => _counts.Clear();

    /// <inheritdoc/>
    public void Dispose()
    {
        _timer?.Dispose();
        lock (_lock)
        {
            _file?.Dispose();
            _file = null;
        }
    }

    internal bool WritesFile => _timer is not null;

    internal void Add(string method, string route, string path, string page, int status, TimeSpan elapsed)
    {
        _counts.GetOrAdd((method, route, status), static _ => new StrongCount()).Add();
        if (_timer is null)
            return;

        var line = string.Create(CultureInfo.InvariantCulture, $"{_clock.GetUtcNow():yyyy-MM-ddTHH:mm:ss.fffZ} {method} {path}{page} {status} {elapsed.TotalMilliseconds:0.0} ms");
        lock (_lock)
            _file?.WriteLine(line);
    }

    private void Flush()
    {
        lock (_lock)
            _file?.Flush();
    }

    private sealed class StrongCount
    {
        private long _calls;

        public long Calls => Interlocked.Read(ref _calls);

        public void Add() => Interlocked.Increment(ref _calls);
    }
}
