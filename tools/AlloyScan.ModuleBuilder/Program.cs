using AlloyScan.ModuleBuilder;
using AlloyScan.ModuleBuilder.Help;

// Started by MSBuild; `docs` is for people who changed a cmdlet.
//   stage --root DIR --output DIR --configuration NAME --version VERSION   lays the module out
//   docs  --root DIR                                                      brings docs/*.md in step with the cmdlets
try
{
    var options = Options(args.Skip(1));
    switch (args.FirstOrDefault())
    {
        case "stage":
            ModuleStager.Stage(new ModuleLayout(options["root"], options["output"], options["configuration"], options["version"]));
            Console.WriteLine($"AlloyScan.PowerShell -> {options["output"]}");
            return 0;
        case "docs":
            foreach (var page in DocsRefresher.Refresh(Path.Combine(options["root"], "docs"), CmdletSurface.Read()))
                Console.WriteLine($"Changed {page}");
            return 0;
        default:
            Console.Error.WriteLine("error : commands are stage and docs");
            return 64;
    }
}
catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException or KeyNotFoundException)
{
    // The form that MSBuild shows as an error.
    Console.Error.WriteLine($"error : {e.Message}");
    return 1;
}

static Dictionary<string, string> Options(IEnumerable<string> words) =>
    words.Chunk(2).Where(pair => pair.Length == 2).ToDictionary(pair => pair[0].TrimStart('-'), pair => pair[1]);
