using System.Globalization;
using System.Text;
using AlloyScan.Engine;
using Spectre.Console;

namespace AlloyScan.AutomationServer.Output;

/// <summary>How much a command tells.</summary>
internal enum Verbosity
{
    /// <summary>Results, warnings and errors.</summary>
    Normal,

    /// <summary>Also every decision, and the whole story of an error.</summary>
    Verbose,
}

/// <summary>
/// The one place that writes text for people. On a terminal it uses colours (unless NO_COLOR is set) and wraps at
/// the window's width; into a file or a pipe it writes plain lines, and tables of at most 100 columns.
/// </summary>
internal sealed class Screen
{
    /// <summary>Widest table.</summary>
    public const int TableWidth = 100;

    private const int UnwrappedWidth = 10_000;

    private static readonly Style s_red = new(Color.Red);
    private static readonly Style s_yellow = new(Color.Yellow);
    private static readonly Style s_bold = new(decoration: Decoration.Bold);
    private static readonly Style s_dim = new(decoration: Decoration.Dim);

    private readonly TextWriter _output;
    private readonly TextWriter _error;
    private readonly IAnsiConsole _outputConsole;
    private readonly IAnsiConsole _errorConsole;
    private readonly int _windowWidth;
    private readonly Lock _lock = new();

    // Nothing needs an empty line before it: nothing was written yet, or the last line was empty.
    private bool _atGap = true;

    /// <summary>Makes a screen.</summary>
    /// <param name="output">Where results go.</param>
    /// <param name="error">Where errors, warnings and progress go.</param>
    /// <param name="verbosity">How much is told.</param>
    public Screen(TextWriter output, TextWriter error, Verbosity verbosity)
    {
        _output = output;
        _error = error;
        Verbosity = verbosity;
        var outputIsTerminal = ReferenceEquals(output, Console.Out) && !Console.IsOutputRedirected;
        var errorIsTerminal = ReferenceEquals(error, Console.Error) && !Console.IsErrorRedirected;
        _outputConsole = CreateConsole(output, outputIsTerminal);
        _errorConsole = CreateConsole(error, errorIsTerminal);

        // Lines are left to the terminal to wrap: a path or a command must survive being copied.
        _windowWidth = outputIsTerminal ? _outputConsole.Profile.Width : TableWidth;
        _outputConsole.Profile.Width = UnwrappedWidth;
    }

    /// <summary>How much is told.</summary>
    public Verbosity Verbosity { get; }

    /// <summary>Whether a moving progress display can be drawn.</summary>
    public bool CanDrawProgress => _errorConsole.Profile.Capabilities is { Ansi: true, Interactive: true };

    /// <summary>The console on which progress is drawn.</summary>
    public IAnsiConsole ProgressConsole => _errorConsole;

    /// <summary>Writes a line of results.</summary>
    /// <param name="text">The line.</param>
    public void Line(string text = "")
    {
        Write(_output, _outputConsole, text, Style.Plain);
        _atGap = text.Length == 0;
    }

    /// <summary>Writes a heading, apart from what stands before it.</summary>
    /// <param name="text">The heading.</param>
    public void Heading(string text)
    {
        Gap();
        Write(_output, _outputConsole, text, s_bold);
        _atGap = false;
    }

    /// <summary>Writes a table, apart from what stands before and after it.</summary>
    /// <param name="table">The table.</param>
    public void Table(Table table)
    {
        foreach (var column in table.Columns)
            column.Padding(0, 0, 1, 0);

        // Rendered aside: cells are padded to their column, and no line needs spaces at its end.
        using var rendered = new StringWriter(CultureInfo.InvariantCulture);
        var console = CreateConsole(rendered, isTerminal: false);
        var capabilities = _outputConsole.Profile.Capabilities;
        console.Profile.Width = Math.Min(_windowWidth, TableWidth);
        console.Profile.Capabilities.Ansi = capabilities.Ansi;
        console.Profile.Capabilities.ColorSystem = capabilities.ColorSystem;
        console.Profile.Capabilities.Unicode = _output.Encoding is UTF8Encoding or UnicodeEncoding;
        console.Write(table.Border(TableBorder.Simple));
        var lines = rendered.ToString().Split('\n').Select(line => line.TrimEnd()).SkipWhile(line => line.Length == 0).ToList();
        Gap();
        lock (_lock)
        {
            foreach (var line in lines.Take(lines.FindLastIndex(line => line.Length > 0) + 1))
                _output.WriteLine(line);

            _output.WriteLine();
        }

        _atGap = true;
    }

    /// <summary>Writes what failed, in red, and what to do about it.</summary>
    /// <param name="message">What failed, on which item and why.</param>
    /// <param name="advice">What to try; <see langword="null"/> when the message says it.</param>
    public void Error(string message, string? advice)
    {
        Write(_error, _errorConsole, $"Error: {message}", s_red);
        if (advice is not null)
            Write(_error, _errorConsole, advice, Style.Plain);
    }

    /// <summary>Writes something that a person should know.</summary>
    /// <param name="message">One sentence.</param>
    public void Warning(string message) => Write(_error, _errorConsole, $"Warning: {message}", s_yellow);

    /// <summary>Writes a line for people beside the results: progress, hints.</summary>
    /// <param name="message">The line.</param>
    public void Note(string message) => Write(_error, _errorConsole, message, Style.Plain);

    /// <summary>Writes a decision or a step, if the user wants the story.</summary>
    /// <param name="message">One line.</param>
    public void Verbose(string message)
    {
        if (Verbosity == Verbosity.Verbose)
            Write(_error, _errorConsole, message, s_dim);
    }

    private void Gap()
    {
        if (!_atGap)
            Line();
    }

    private void Write(TextWriter writer, IAnsiConsole console, string text, Style style)
    {
        // A device's name must not drive the terminal.
        text = PlainText.Of(text);
        lock (_lock)
        {
            if (console.Profile.Capabilities.Ansi)
            {
                console.Write(new Text(text, style));
                console.WriteLine();
            }
            else
            {
                writer.WriteLine(text);
            }
        }
    }

    private static IAnsiConsole CreateConsole(TextWriter writer, bool isTerminal)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(writer),
            Ansi = isTerminal ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = isTerminal ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = isTerminal ? InteractionSupport.Detect : InteractionSupport.No,
            // The enrichers turn on colours for some build services, redirected or not.
            Enrichment = new ProfileEnrichment { UseDefaultEnrichers = false },
        });
        return console;
    }
}
