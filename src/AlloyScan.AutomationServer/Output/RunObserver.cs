using System.Diagnostics;
using AlloyScan.Engine.Sync;
using Spectre.Console;

namespace AlloyScan.AutomationServer.Output;

/// <summary>
/// Shows a run while it goes on: a bar on a terminal, a line now and then elsewhere. Keeps the first few errors
/// and hands changes on.
/// </summary>
internal sealed class RunObserver : ISyncObserver
{
    private const int ErrorsKept = 10;
    private static readonly TimeSpan s_quiet = TimeSpan.FromSeconds(5);

    private readonly Screen _screen;
    private readonly Action<SyncChange>? _onChange;
    private readonly ProgressContext? _bars;
    private readonly List<SyncError> _errors = [];
    private ProgressTask? _bar;
    private long _lastLine = Stopwatch.GetTimestamp();

    private RunObserver(Screen screen, Action<SyncChange>? onChange, ProgressContext? bars)
    {
        _screen = screen;
        _onChange = onChange;
        _bars = bars;
    }

    /// <summary>The first errors of the run.</summary>
    public IReadOnlyList<SyncError> Errors => _errors;

    /// <summary>Executes something with an observer that shows it.</summary>
    /// <typeparam name="T">What it returns.</typeparam>
    /// <param name="screen">Where it is shown.</param>
    /// <param name="onChange">Receives the changes; when it writes to the screen, no bar is drawn.</param>
    /// <param name="writesChanges">Whether <paramref name="onChange"/> writes to the screen.</param>
    /// <param name="execute">The work.</param>
    public static async Task<T> ShowAsync<T>(Screen screen, Action<SyncChange>? onChange, bool writesChanges, Func<RunObserver, Task<T>> execute)
    {
        if (!screen.CanDrawProgress || writesChanges || screen.Verbosity == Verbosity.Verbose)
            return await execute(new RunObserver(screen, onChange, bars: null));

        return await screen.ProgressConsole.Progress()
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn())
            .StartAsync(bars => execute(new RunObserver(screen, onChange, bars)));
    }

    /// <inheritdoc/>
    public void OnProgress(SyncProgress progress)
    {
        var text = progress.Total is { } total
            ? $"{progress.Stage}: {Words.Number(progress.Done)} of {Words.Number(total)}"
            : $"{progress.Stage}: {Words.Number(progress.Done)}";
        if (_bars is not null)
        {
            // One bar, for the stage that spoke last: stages do not say when they end.
            _bar ??= _bars.AddTask(text);
            _bar.Description = Markup.Escape(text);
            _bar.IsIndeterminate = progress.Total is null;
            _bar.MaxValue = Math.Max(progress.Total ?? 1, 1);
            _bar.Value = progress.Done;
        }
        else if (progress.Done != progress.Total && Stopwatch.GetElapsedTime(_lastLine) >= s_quiet)
        {
            _lastLine = Stopwatch.GetTimestamp();
            _screen.Note(text);
        }
    }

    /// <inheritdoc/>
    public void OnChange(SyncChange change) => _onChange?.Invoke(change);

    /// <inheritdoc/>
    public void OnError(SyncError error)
    {
        if (_errors.Count < ErrorsKept)
            _errors.Add(error);

        _screen.Verbose($"{error.Stage} failed for {error}");
    }

    /// <inheritdoc/>
    public void OnWarning(string message) => _screen.Warning(message);

    /// <inheritdoc/>
    public void OnVerbose(string message) => _screen.Verbose(message);
}
