namespace AlloyScan.Engine.Site.Transport;

/// <summary>Counts calls and bytes from several threads.</summary>
internal sealed class UsageCounter
{
    private long _calls;
    private long _bytes;

    internal SiteUsage Usage => new(Interlocked.Read(ref _calls), Interlocked.Read(ref _bytes));

    internal void AddCall() => Interlocked.Increment(ref _calls);

    internal void AddBytes(int count) => Interlocked.Add(ref _bytes, count);
}
