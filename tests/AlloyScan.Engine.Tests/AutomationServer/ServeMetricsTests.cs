using AlloyScan.AutomationServer.Serving;
using AlloyScan.Engine.Jobs.Schedules;
using AlloyScan.Engine.Sync;

namespace AlloyScan.Engine.Tests.AutomationServer;

/// <summary>What /metrics shows, and shows no longer.</summary>
public sealed class ServeMetricsTests : IDisposable
{
    private readonly ServeMetrics _metrics = new(TimeProvider.System);

    public void Dispose() => _metrics.Dispose();

    private async Task<string> TextAsync(params ServeMetrics.Reading[] readings) => await _metrics.WriteAsync(readings, default);

    [Fact]
    public async Task What_is_gone_from_the_store_is_gone_from_the_page()
    {
        ServeMetrics.Reading Left(string client, double value) => new("alloyscan_registration_budget_left", "Left.", value, ("site", "HQ"), ("client_id", client));
        _metrics.Scheduled([new ScheduledJob { Id = 1, Name = "one", Target = "Built-in" }, new ScheduledJob { Id = 2, Name = "two", Target = "Built-in" }]);
        var text = await TextAsync(Left("a", 5), Left("b", 0));
        Assert.Contains("\nalloyscan_registration_budget_left{site=\"HQ\",client_id=\"a\"} 5\n", text, StringComparison.Ordinal);
        Assert.Contains("client_id=\"b\"} 0\n", text, StringComparison.Ordinal);
        Assert.Contains("alloyscan_job_enabled{job=\"two\"} 0\n", text, StringComparison.Ordinal);

        _metrics.Scheduled([new ScheduledJob { Id = 1, Name = "one", Target = "Built-in" }]);
        text = await TextAsync(Left("a", 4));
        Assert.Contains("client_id=\"a\"} 4\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain("client_id=\"b\"", text, StringComparison.Ordinal);
        Assert.DoesNotContain("two", text, StringComparison.Ordinal);

        Assert.DoesNotContain("client_id=", await TextAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_are_written_so_that_they_end_no_line_and_no_label()
    {
        _metrics.Record(new SyncRun { Job = "a\"b\\c\nd", Status = SyncRunStatus.Succeeded, ApiCalls = 3 });
        Assert.Contains("alloyscan_api_calls_total{job=\"a\\\"b\\\\c\\nd\"} 3\n", await TextAsync(), StringComparison.Ordinal);
    }
}
