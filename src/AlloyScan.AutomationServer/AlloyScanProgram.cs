using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Text.RegularExpressions;
using AlloyScan.AutomationServer.Commands;
using AlloyScan.AutomationServer.Output;

namespace AlloyScan.AutomationServer;

/// <summary>The whole program, with its streams handed in so that tests can call it.</summary>
internal static partial class AlloyScanProgram
{
    /// <summary>Runs one command.</summary>
    /// <param name="args">The command line.</param>
    /// <param name="output">Results.</param>
    /// <param name="error">Errors, warnings and progress; with <c>--json</c> all text for people.</param>
    /// <param name="cancellationToken">Stops the command.</param>
    /// <returns>The exit code, see <see cref="ExitCode"/>.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> args, TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        // No response files: a job may be called "@night", and a file must not add words to a command.
        var parsed = CreateRootCommand().Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Action is ParseErrorAction || (parsed.Errors.Count > 0 && parsed.Action is not HelpAction))
            return ReportUsage(parsed, args, error, new Screen(output, error, Verbosity.Normal));

        // Signals are handled by the caller, through the token.
        var configuration = new InvocationConfiguration
        {
            Output = output,
            Error = error,
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
        };
        return await parsed.InvokeAsync(configuration, cancellationToken);
    }

    private static RootCommand CreateRootCommand() => new("Keeps a CMDB in step with AlloyScan sites.")
    {
        DemoCommand.Create(),
        RunCommand.Create(),
        ServeCommand.Create(),
        JobsCommand.Create(),
        RunsCommand.Create(),
        VerifyCommand.Create(),
        ReportCommand.Create(),
    };

    private static int ReportUsage(ParseResult parsed, IReadOnlyList<string> args, TextWriter error, Screen screen)
    {
        if (args.Count == 0)
        {
            // Who types the bare name wants to know what there is. It is still no use of the program.
            parsed.RootCommandResult.Command.Parse(["--help"]).Invoke(new InvocationConfiguration { Output = error, Error = error });
            return ExitCode.Usage;
        }

        var command = parsed.CommandResult.Command is RootCommand ? "alloyscan" : $"alloyscan {parsed.CommandResult.Command.Name}";
        if (args.Any(LooksLikeSecretOption))
        {
            // The parser's own message would repeat the secret that stands behind the option.
            screen.Error(
                "A secret is never an argument, because the process list and the shell's history show arguments.",
                "Put the client secret into an environment variable and name it with --client-secret-env, or into a file and name it with --client-secret-file.");
        }
        else
        {
            foreach (var message in parsed.Errors.Select(e => e.Message).Distinct())
                screen.Error(SecretWord().IsMatch(message) ? "An argument that seems to hold a secret is not understood. A secret is never an argument." : message, null);
        }

        screen.Note($"'{command} --help' shows how it is used.");
        return ExitCode.Usage;
    }

    private static bool LooksLikeSecretOption(string argument) => SecretOption().IsMatch(argument);

    [GeneratedRegex("^-{1,2}(client-?)?(secret|password|pwd)([=:]|$)", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex SecretOption();

    [GeneratedRegex("(password|pwd|secret) *=|://[^/@ ]*:[^/@ ]*@", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex SecretWord();
}
