using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.Http;
using System.Text.Json;
using AlloyScan.AutomationServer;

namespace AlloyScan.Engine.Tests.AutomationServer;

/// <summary>A server and what it logs, as JSON lines.</summary>
internal sealed class ServerProcess : IDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly Process _process;
    private readonly ConcurrentQueue<(int Id, string Line)> _events = new();
    private readonly ConcurrentQueue<string> _all = new();
    private readonly SemaphoreSlim _news = new(0);

    private ServerProcess(Process process) => _process = process;

    public string? Address { get; private set; }

    public string All => string.Join('\n', _all);

    public static ServerProcess Start(string[] arguments, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo("dotnet", ["exec", typeof(AlloyScanProgram).Assembly.Location, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        var server = new ServerProcess(new Process { StartInfo = start });
        server._process.OutputDataReceived += (_, e) => server.Hear(e.Data);
        server._process.ErrorDataReceived += (_, e) => server.Hear(e.Data);
        server._process.Start();
        server._process.BeginOutputReadLine();
        server._process.BeginErrorReadLine();
        return server;
    }

    private void Hear(string? line)
    {
        if (line is not null)
        {
            _all.Enqueue(line);
            if (line.StartsWith('{'))
            {
                var json = JsonDocument.Parse(line).RootElement;
                var message = json.GetProperty("Message").GetString()!;
                if (json.GetProperty("EventId").GetInt32() == 2)
                    Address = message[message.IndexOf("http", StringComparison.Ordinal)..].Replace("/health", string.Empty, StringComparison.Ordinal);
                _events.Enqueue((json.GetProperty("EventId").GetInt32(), message));
            }
        }

        _news.Release();
    }

    public int Count(int id, string text) => _events.Count(e => e.Id == id && e.Line.Contains(text, StringComparison.Ordinal));

    public string Last(int id, string text) => _events.Last(e => e.Id == id && e.Line.Contains(text, StringComparison.Ordinal)).Line;

    public Task<string> StartedAsync() => SeeAsync(2, "http");

    /// <summary>Waits for an event.</summary>
    public async Task<string> SeeAsync(int id, string text, int count = 1)
    {
        var patience = Stopwatch.StartNew();
        while (Count(id, text) < count)
        {
            var left = Patience - patience.Elapsed;
            Assert.True(left > TimeSpan.Zero && !_process.HasExited, $"No event {id} of '{text}':\n{All}");
            await _news.WaitAsync(TimeSpan.FromSeconds(1));
        }

        return Last(id, text);
    }

    /// <summary>Waits until the server has looked at the jobs once more.</summary>
    public async Task LookedAsync()
    {
        var from = DateTimeOffset.UtcNow;
        using var client = new HttpClient();
        for (var patience = Stopwatch.StartNew(); ; await Task.Delay(50))
        {
            var health = JsonDocument.Parse(await client.GetStringAsync($"{Address}/health")).RootElement;
            if (health.GetProperty("last_poll_at").GetString() is { } text && DateTimeOffset.Parse(text, CultureInfo.InvariantCulture) > from)
                return;
            Assert.True(patience.Elapsed < Patience, All);
        }
    }

    public async Task<int> StopAsync()
    {
        using (var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]))
            await kill.WaitForExitAsync();
        using var patience = new CancellationTokenSource(Patience);
        await _process.WaitForExitAsync(patience.Token);
        return _process.ExitCode;
    }

    /// <summary>Waits until the server has ended by itself.</summary>
    public async Task<int> ExitAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        await _process.WaitForExitAsync(patience.Token);
        return _process.ExitCode;
    }

    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            Kill();
        _process.Dispose();
        _news.Dispose();
    }
}
