using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;
using System.Management.Automation;
using AlloyScan.Engine;

namespace AlloyScan.PowerShell.Abstractions;

/// <summary>
/// Base of all cmdlets. The engine works on other threads; what it has to say is queued and played on the pipeline
/// thread, the only one that may talk to the host, while the work goes on. Ctrl+C and <c>Select-Object -First</c>
/// cancel the work.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class AsyncCmdlet : PSCmdlet, IDisposable
{
    // Objects that come in numbers travel in batches, since each passage between threads has its price.
    private const int BatchSize = 64;

    // A few batches only: a pipeline that soon has enough should not have cost many pages.
    private const int QueueCapacity = 8;

    // Work that ignores its token, such as a wait for a locked file, is left to itself after this time.
    private static readonly TimeSpan s_stopGrace = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_batchPatience = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_progressInterval = TimeSpan.FromMilliseconds(250);
    private static readonly AsyncLocal<AsyncCmdlet?> s_current = new();

    private readonly CancellationTokenSource _stopping = new();
    private volatile BlockingCollection<Message>? _queue;
    private int _pipelineThread;
    private ProgressRecord? _progress;
    private long _progressAt;

    /// <summary>The cmdlet on whose behalf the current code runs; shared clients send their trace lines there.</summary>
    internal static AsyncCmdlet? Speaker => s_current.Value;

    /// <summary>Work before the first record.</summary>
    /// <param name="cancellationToken">Cancelled by Ctrl+C.</param>
    protected virtual Task BeginAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Work for one record.</summary>
    /// <param name="cancellationToken">Cancelled by Ctrl+C.</param>
    protected virtual Task ProcessAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Work after the last record.</summary>
    /// <param name="cancellationToken">Cancelled by Ctrl+C.</param>
    protected virtual Task EndAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Whether a failure of one record means that no other record can succeed either.</summary>
    /// <param name="exception">The failure.</param>
    private protected virtual bool IsFatal(AlloyScanException exception) =>
        exception.Kind is ErrorKind.Connection or ErrorKind.Authentication or ErrorKind.LimitsExceeded;

    /// <inheritdoc/>
    protected sealed override void BeginProcessing() => Run(BeginAsync, oneOfMany: false);

    /// <inheritdoc/>
    protected sealed override void ProcessRecord() => Run(ProcessAsync, oneOfMany: true);

    /// <inheritdoc/>
    protected sealed override void EndProcessing() => Run(EndAsync, oneOfMany: false);

    /// <inheritdoc/>
    protected sealed override void StopProcessing() => _stopping.Cancel();

    /// <summary>Runs a piece of blocking work, such as a query, off the pipeline thread.</summary>
    private protected static Task OffThread(Action work, CancellationToken cancellationToken) => Task.Run(work, cancellationToken);

    /// <summary>Runs a piece of blocking work that gives a value off the pipeline thread.</summary>
    private protected static Task<T> OffThread<T>(Func<T> work, CancellationToken cancellationToken) => Task.Run(work, cancellationToken);

    /// <summary>Does the same for each item; one that fails is reported and the next goes on.</summary>
    private protected async Task EachAsync<T>(IEnumerable<T> items, Func<T, Task> work)
        where T : notnull
    {
        foreach (var item in items)
        {
            try
            {
                await work(item).ConfigureAwait(false);
            }
            catch (AlloyScanException e) when (!IsFatal(e))
            {
                Fail(e, item);
            }
        }
    }

    /// <summary>Emits an object. From any thread, like all that follow.</summary>
    private protected void Emit(object value) => Say(new Message(Stream.Output, value));

    /// <summary>Emits what a source gives as it comes. What is ready goes in batches; nothing waits while the source does.</summary>
    /// <param name="source">Gives the items.</param>
    /// <param name="shape">Makes an object for the pipeline from an item; <see langword="null"/> leaves the item out.</param>
    /// <param name="cancellationToken">Cancelled by Ctrl+C.</param>
    private protected async Task EmitAllAsync<T>(IAsyncEnumerable<T> source, Func<T, object?> shape, CancellationToken cancellationToken)
    {
        var batch = new List<object>(BatchSize);
        var items = source.GetAsyncEnumerator(cancellationToken);
        await using (items.ConfigureAwait(false))
        {
            while (true)
            {
                var next = items.MoveNextAsync();
                if (!next.IsCompletedSuccessfully || batch.Count == BatchSize)
                    batch = Flush(batch);

                if (!await next.ConfigureAwait(false))
                    break;

                if (shape(items.Current) is { } value)
                    batch.Add(value);
            }
        }

        Flush(batch);
    }

    /// <summary>Emits what a query gives as it comes, off the pipeline thread.</summary>
    /// <param name="source">Gives the items.</param>
    /// <param name="shape">Makes an object for the pipeline from an item.</param>
    /// <param name="cancellationToken">Cancelled by Ctrl+C.</param>
    /// <returns>Whether there was anything.</returns>
    private protected Task<bool> EmitAllAsync<T>(IEnumerable<T> source, Func<T, object> shape, CancellationToken cancellationToken) =>
        OffThread(
            () =>
            {
                var any = false;
                var batch = new List<object>(BatchSize);
                var flushed = Stopwatch.GetTimestamp();
                try
                {
                    foreach (var item in source)
                    {
                        cancellationToken.ThrowIfCancellationRequested();
                        any = true;
                        batch.Add(shape(item));
                        if (batch.Count < BatchSize && Stopwatch.GetElapsedTime(flushed) < s_batchPatience)
                            continue;

                        batch = Flush(batch);
                        flushed = Stopwatch.GetTimestamp();
                    }
                }
                catch when (!cancellationToken.IsCancellationRequested)
                {
                    Flush(batch);
                    throw;
                }

                Flush(batch);
                return any;
            },
            cancellationToken);

    private List<object> Flush(List<object> batch)
    {
        if (batch.Count == 0)
            return batch;

        Say(new Message(Stream.Batch, batch));
        return new List<object>(BatchSize);
    }

    /// <summary>Reports a failure after which the cmdlet goes on.</summary>
    private protected void Fail(ErrorRecord error) => Say(new Message(Stream.Error, error));

    /// <summary>Reports a failure of one item after which the cmdlet goes on.</summary>
    /// <param name="exception">The failure.</param>
    /// <param name="target">The user's item, if the exception does not name one.</param>
    private protected void Fail(AlloyScanException exception, object? target = null) => Fail(exception.ToErrorRecord(target));

    /// <summary>Warns.</summary>
    private protected void Warn(string message) => Say(new Message(Stream.Warning, message));

    /// <summary>Tells a decision or a step.</summary>
    internal void Tell(string message)
    {
        // A shared client may still speak when nobody listens any more.
        try
        {
            Say(new Message(Stream.Verbose, message));
        }
        catch (Exception e) when (e is InvalidOperationException or OperationCanceledException)
        {
        }
    }

    /// <summary>Moves the progress bar, at most four times a second.</summary>
    /// <param name="activity">What is being done.</param>
    /// <param name="status">How far it is, in words.</param>
    /// <param name="percent">How far it is; -1 when that is unknown.</param>
    private protected void Report(string activity, string status, int percent)
    {
        var now = Stopwatch.GetTimestamp();
        var last = Interlocked.Read(ref _progressAt);
        if (last != 0 && Stopwatch.GetElapsedTime(last, now) < s_progressInterval)
            return;

        Interlocked.Exchange(ref _progressAt, now);
        Say(new Message(Stream.Progress, new ProgressRecord(0, activity, status) { PercentComplete = percent }));
    }

    /// <summary>Asks <see cref="Cmdlet.ShouldProcess(string, string)"/>, from any thread.</summary>
    /// <param name="target">What would be changed.</param>
    /// <param name="action">How, in plain words.</param>
    /// <param name="cancellationToken">Ends the wait for an answer.</param>
    private protected async Task<bool> ConfirmAsync(string target, string action, CancellationToken cancellationToken) =>
        (await ConfirmWithReasonAsync(target, action, cancellationToken).ConfigureAwait(false)).Proceed;

    /// <summary>As <see cref="ConfirmAsync"/>, and says whether -WhatIf gave the answer.</summary>
    /// <param name="target">What would be changed.</param>
    /// <param name="action">How, in plain words.</param>
    /// <param name="cancellationToken">Ends the wait for an answer.</param>
    private protected Task<(bool Proceed, ShouldProcessReason Reason)> ConfirmWithReasonAsync(string target, string action, CancellationToken cancellationToken)
    {
        var question = new Question(target, action);
        Say(new Message(Stream.Question, question));
        return question.Answer.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Shows a line to whoever sits at the prompt; the information stream carries the object itself.</summary>
    /// <param name="value">What is shown, by its text.</param>
    private protected void Show(object value) => Say(new Message(Stream.Information, value));

    /// <summary>Does something that only the pipeline thread may do, from any thread.</summary>
    /// <param name="work">What.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    private protected async Task<T> OnPipelineAsync<T>(Func<T> work, CancellationToken cancellationToken)
        where T : notnull
    {
        var errand = new Errand(() => work());
        Say(new Message(Stream.Errand, errand));
        return (T)await errand.Answer.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    private bool OnPipelineThread => Environment.CurrentManagedThreadId == _pipelineThread;

    private void Say(Message message)
    {
        if (OnPipelineThread)
            Play(message);
        else if (_queue is { } queue)
            queue.Add(message, _stopping.Token);
    }

    private void Run(Func<CancellationToken, Task> hook, bool oneOfMany)
    {
        var token = _stopping.Token;
        var queue = new BlockingCollection<Message>(QueueCapacity);
        _queue = queue;
        _pipelineThread = Environment.CurrentManagedThreadId;

        try
        {
            Pump(Start(hook, token), queue, token);
        }
        catch (AlloyScanException e)
        {
            if (oneOfMany && !IsFatal(e))
                WriteError(e.ToErrorRecord());
            else
                ThrowTerminatingError(e.ToErrorRecord());
        }
        catch (OperationCanceledException) when (token.IsCancellationRequested)
        {
            throw new PipelineStoppedException();
        }
        finally
        {
            _queue = null;
            _pipelineThread = 0;
        }

        CompleteProgress();
    }

    /// <summary>Starts the work without the host's synchronisation context, which a graphical host would have.</summary>
    private Task Start(Func<CancellationToken, Task> hook, CancellationToken token)
    {
        var context = SynchronizationContext.Current;
        var outer = s_current.Value;
        SynchronizationContext.SetSynchronizationContext(null);
        s_current.Value = this;
        try
        {
            return hook(token);
        }
        finally
        {
            s_current.Value = outer;
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }

    /// <summary>Plays what the work says until it ends. The one place where a thread waits for a task.</summary>
    private void Pump(Task work, BlockingCollection<Message> queue, CancellationToken token)
    {
        // Also when the work has ended already, so that what other threads said meanwhile is played.
        _ = work.ContinueWith(
            static (_, state) => ((BlockingCollection<Message>)state!).CompleteAdding(),
            queue, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        try
        {
            foreach (var message in queue.GetConsumingEnumerable(token))
                Play(message);
        }
        catch
        {
            // Stopped: by Ctrl+C, by a cmdlet further down that has enough, or by -ErrorAction Stop.
            _stopping.Cancel();
            ((IAsyncResult)work).AsyncWaitHandle.WaitOne(s_stopGrace);
            throw;
        }

        work.GetAwaiter().GetResult();
    }

    private void Play(Message message)
    {
        switch (message.Stream)
        {
            case Stream.Output:
                WriteObject(message.Content);
                break;
            case Stream.Batch:
                foreach (var value in (List<object>)message.Content)
                    WriteObject(value);
                break;
            case Stream.Error:
                WriteError((ErrorRecord)message.Content);
                break;
            case Stream.Warning:
                WriteWarning((string)message.Content);
                break;
            case Stream.Verbose:
                WriteVerbose((string)message.Content);
                break;
            case Stream.Progress:
                _progress = (ProgressRecord)message.Content;
                WriteProgress(_progress);
                break;
            case Stream.Question:
                Ask((Question)message.Content);
                break;
            case Stream.Information:
                WriteInformation(message.Content, ["PSHOST", "AlloyScan"]);
                break;
            case Stream.Errand:
                ((Errand)message.Content).Run();
                break;
        }
    }

    private void Ask(Question question)
    {
        // The texts are those of ShouldProcess(target, action), which does not say why it answers so.
        var description = $"Performing the operation \"{question.Action}\" on target \"{question.Target}\".";
        var proceed = ShouldProcess(description, $"Are you sure you want to perform this action?{Environment.NewLine}{description}", "Confirm", out var reason);
        question.Answer.SetResult((proceed, reason));
    }

    private void CompleteProgress()
    {
        if (_progress is not { } progress)
            return;

        _progress = null;
        _progressAt = 0;
        progress.RecordType = ProgressRecordType.Completed;
        WriteProgress(progress);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Releases what the cmdlet holds; called also when the pipeline was stopped.</summary>
    /// <param name="disposing">Always <see langword="true"/>.</param>
    protected virtual void Dispose(bool disposing)
    {
        // Select-Object -First skips EndProcessing, so this is the last chance to stop work that is still going on.
        // The source itself is left to the collector: abandoned work may still look at its token.
        _stopping.Cancel();
    }

    private enum Stream
    {
        Output,
        Batch,
        Error,
        Warning,
        Verbose,
        Progress,
        Question,
        Information,
        Errand,
    }

    private readonly record struct Message(Stream Stream, object Content);

    private sealed record Errand(Func<object> Work)
    {
        public TaskCompletionSource<object> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Run()
        {
            try
            {
                Answer.SetResult(Work());
            }
            catch (Exception e) when (e is not (PipelineStoppedException or FlowControlException))
            {
                Answer.SetException(e);
            }
        }
    }

    private sealed record Question(string Target, string Action)
    {
        public TaskCompletionSource<(bool Proceed, ShouldProcessReason Reason)> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
