using AlloyScan.Benchmarks;
using AlloyScan.Benchmarks.Scenarios;

if (args is ["child", .. var rest])
    return await Child.RunAsync(rest);

if (args is ["--help" or "-h"])
{
    await Console.Out.WriteAsync(Settings.Help);
    return 0;
}

Settings settings;
try
{
    settings = Settings.Parse(args);
}
catch (ArgumentException e)
{
    await Console.Error.WriteLineAsync(e.Message + Environment.NewLine + Settings.Help);
    return 64;
}

#if DEBUG
await Console.Error.WriteLineAsync("Built for debugging: these figures say nothing. Run with -c Release.");
#endif
if (settings.Scenario == "parse")
{
    SnapshotParse.Run();
    return 0;
}

var report = new Report(settings.Json);
(string Name, Func<Settings, Workplace, Report, Task> Run)[] scenarios =
[
    ("first", FirstSync.RunAsync), ("second", SecondSync.RunAsync), ("changed", ChangedSync.RunAsync), ("identify", Identify.RunAsync), ("memory", Memory.RunAsync), ("calls", Calls.RunAsync),
];
try
{
    foreach (var (name, run) in scenarios)
    {
        if (settings.Scenario == "all" || settings.Scenario == name)
            await run(settings, new Workplace(settings.Folder), report);
    }

    return 0;
}
finally
{
    if (Directory.Exists(settings.Folder))
        Directory.Delete(settings.Folder, recursive: true);
}
