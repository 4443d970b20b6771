using System.CommandLine;
using AlloyScan.AutomationServer.Output;
using AlloyScan.Engine;
using AlloyScan.Engine.Store;

namespace AlloyScan.AutomationServer.Commands;

/// <summary>What all commands share: two options, and how an exception becomes a message and an exit code.</summary>
internal static class CommandHost
{
    /// <summary>Makes the <c>--store</c> option.</summary>
    public static Option<string?> StoreOption() => new("--store")
    {
        Description = $"The store: a SQLite file, or a PostgreSQL connection string without a password. Default: the environment variable {StoreLocation.EnvironmentVariable}, else a file in your data folder.",
        HelpName = "PATH",
    };

    /// <summary>Makes the <c>--verbose</c> option.</summary>
    public static Option<bool> VerboseOption() => new("--verbose", "-v") { Description = "Tell every decision, and the whole story of an error." };

    /// <summary>Makes the <c>--json</c> option.</summary>
    /// <param name="description">What is written.</param>
    public static Option<bool> JsonOption(string description) => new("--json") { Description = description };

    /// <summary>Gives a command its action.</summary>
    /// <param name="command">The command.</param>
    /// <param name="verbose">Its <c>--verbose</c> option.</param>
    /// <param name="json">Its <c>--json</c> option, if it has one; with it, text for people goes to the error stream.</param>
    /// <param name="execute">The action.</param>
    /// <param name="onFailure">Is told exit code, error ID and message when the action ends by an exception.</param>
    public static void SetAction(
        Command command,
        Option<bool> verbose,
        Option<bool>? json,
        Func<CommandInvocation, CancellationToken, Task<int>> execute,
        Action<CommandInvocation, int, string, string>? onFailure = null) =>
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var output = parsed.InvocationConfiguration.Output;
            var error = parsed.InvocationConfiguration.Error;
            var asJson = json is not null && parsed.GetValue(json);
            var screen = new Screen(asJson ? error : output, error, parsed.GetValue(verbose) ? Verbosity.Verbose : Verbosity.Normal);
            var invocation = new CommandInvocation(parsed, screen, asJson ? output : null);
            try
            {
                return await execute(invocation, cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                const string message = "Stopped before it was done.";
                screen.Error(message, null);
                onFailure?.Invoke(invocation, ExitCode.Canceled, "Canceled", message);
                return ExitCode.Canceled;
            }
            catch (AlloyScanException e)
            {
                var exitCode = e.Kind == ErrorKind.InvalidArgument ? ExitCode.Usage : ExitCode.Failed;
                screen.Error(e.Message, e.Advice);
                screen.Verbose(e.ToString());
                onFailure?.Invoke(invocation, exitCode, e.ErrorId, e.MessageWithAdvice);
                return exitCode;
            }
            catch (Exception e)
            {
                // A fault of ours or of the machine. One line for the user, the story for whoever reports it.
                var failure = new AlloyScanException(ErrorKind.Unspecified, "Unexpected", $"{command.Name} failed unexpectedly: {e.Message} ({e.GetType().Name})", innerException: e);
                var message = failure.Message;
                screen.Error(message, screen.Verbosity == Verbosity.Verbose ? null : "Run it again with --verbose for the details.");
                screen.Verbose(failure.ToString());
                onFailure?.Invoke(invocation, ExitCode.Failed, failure.ErrorId, message);
                return ExitCode.Failed;
            }
        });

    /// <summary>Opens a store that must be there: a mistyped path must not make an empty database.</summary>
    /// <param name="argument">Value of <c>--store</c>.</param>
    /// <param name="cancellationToken">Ends the waiting for it.</param>
    /// <exception cref="AlloyScanException">There is no such store (<c>StoreNotFound</c>).</exception>
    public static AlloyStore OpenExistingStore(string? argument, CancellationToken cancellationToken)
    {
        var location = StoreLocation.Resolve(argument);
        return AlloyStore.Exists(location, cancellationToken)
            ? AlloyStore.Open(location, cancellationToken: cancellationToken)
            : throw new AlloyScanException(
                ErrorKind.NotFound, "StoreNotFound", $"There is no store at '{location.Path}'.", location.Path,
                $"Name it with --store or {StoreLocation.EnvironmentVariable}. New-AlloyScanSyncJob in PowerShell makes a store with its first job, and 'alloyscan run --site-url' with its first run.");
    }
}

/// <summary>One call of a command.</summary>
/// <param name="Parsed">Its options.</param>
/// <param name="Screen">Text for people.</param>
/// <param name="Json">Where JSON goes; <see langword="null"/> when none is wanted.</param>
internal sealed record CommandInvocation(ParseResult Parsed, Screen Screen, TextWriter? Json);
