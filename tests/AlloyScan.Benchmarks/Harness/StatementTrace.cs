using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace AlloyScan.Benchmarks;

/// <summary>
/// Counts the statements that write, by table, on every SQLite connection of this process: SQLite itself tells of each
/// statement that starts, triggers included. So "writes nothing" is proven by statements, whatever the engine says.
/// </summary>
internal static unsafe partial class StatementTrace
{
    private const int TraceStatement = 1;

    private static readonly Lock s_lock = new();
    private static readonly SortedDictionary<string, int> s_writes = new(StringComparer.Ordinal);

    public static IReadOnlyDictionary<string, int> Writes
    {
        get
        {
            lock (s_lock)
                return new SortedDictionary<string, int>(s_writes);
        }
    }

    /// <summary>Traces all connections that are opened from now on.</summary>
    public static void Start()
    {
        SQLitePCL.Batteries_V2.Init();
        delegate* unmanaged[Cdecl]<nint, nint, nint, int> opened = &OnOpen;
        if (AutoExtension((nint)opened) != 0)
            throw new InvalidOperationException("SQLite does not let its statements be traced.");
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int OnOpen(nint connection, nint message, nint api)
    {
        delegate* unmanaged[Cdecl]<uint, nint, nint, nint, int> statement = &OnStatement;
        return Trace(connection, TraceStatement, (nint)statement, 0);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int OnStatement(uint kind, nint context, nint statement, nint text)
    {
        var started = Marshal.PtrToStringUTF8(text) ?? "";
        // A trigger is told of as a comment; it is no statement of ours but a write all the same.
        var table = started.StartsWith("--", StringComparison.Ordinal) ? "(" + started[2..].Trim() + ")"
            : IsReadOnly(statement) != 0 ? null
            : Target().Match(Marshal.PtrToStringUTF8(Sql(statement)) ?? "") is { Success: true } match ? match.Groups["table"].Value
            : null;
        if (table is null)
            return 0;

        lock (s_lock)
            s_writes[table] = s_writes.GetValueOrDefault(table) + 1;
        return 0;
    }

    [GeneratedRegex(@"^\s*(INSERT(\s+OR\s+\w+)?\s+INTO|REPLACE\s+INTO|UPDATE(\s+OR\s+\w+)?|DELETE\s+FROM)\s+(?<table>[\w.]+)", RegexOptions.IgnoreCase)]
    private static partial Regex Target();

    [DllImport("e_sqlite3", EntryPoint = "sqlite3_auto_extension", CallingConvention = CallingConvention.Cdecl)]
    private static extern int AutoExtension(nint entryPoint);

    [DllImport("e_sqlite3", EntryPoint = "sqlite3_trace_v2", CallingConvention = CallingConvention.Cdecl)]
    private static extern int Trace(nint connection, uint mask, nint callback, nint context);

    [DllImport("e_sqlite3", EntryPoint = "sqlite3_stmt_readonly", CallingConvention = CallingConvention.Cdecl)]
    private static extern int IsReadOnly(nint statement);

    [DllImport("e_sqlite3", EntryPoint = "sqlite3_sql", CallingConvention = CallingConvention.Cdecl)]
    private static extern nint Sql(nint statement);
}
