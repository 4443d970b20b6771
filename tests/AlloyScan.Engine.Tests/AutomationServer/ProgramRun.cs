using System.Text.Json;
using AlloyScan.AutomationServer;

namespace AlloyScan.Engine.Tests.AutomationServer;

/// <summary>One call of <c>alloyscan</c> in this process, with what it wrote.</summary>
internal sealed record ProgramRun(int ExitCode, string Output, string Error)
{
    /// <summary>All that was written.</summary>
    public string All => Output + Error;

    /// <summary>The last line of the output, as JSON.</summary>
    public JsonElement LastLine => JsonDocument.Parse(Output.TrimEnd().Split('\n')[^1]).RootElement;

    public static Task<ProgramRun> Of(params string[] args) => Of(CancellationToken.None, args);

    public static async Task<ProgramRun> Of(CancellationToken cancellationToken, params string[] args)
    {
        // Progress and results come from several threads.
        using var output = new StringWriter();
        using var error = new StringWriter();
        var exitCode = await AlloyScanProgram.RunAsync(args, TextWriter.Synchronized(output), TextWriter.Synchronized(error), cancellationToken);
        return new ProgramRun(exitCode, output.ToString(), error.ToString());
    }
}

/// <summary>A folder that goes away with its test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public TemporaryFolder() => Path = Directory.CreateTempSubdirectory("alloyscan-test-").FullName;

    public string Path { get; }

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose()
    {
        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (IOException)
        {
            // A file that is still open on Windows; the folder for temporary files is cleaned by others.
        }
    }
}
