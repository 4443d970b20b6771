using System.Xml.Linq;
using AlloyScan.Engine;
using AlloyScan.PowerShell.Automation;

namespace AlloyScan.PowerShell.Tests;

/// <summary>The texts for the three managers, on any system; none of them is run here.</summary>
public class AutomationTextTests
{
    private static AutomationRequest Request(AutomationScope scope = AutomationScope.System) => new()
    {
        Name = "hq", Scope = scope, Program = "/opt/alloy scan/100%/alloyscan", Arguments = ["serve", "--store", "/srv/my \"store\" $HOME.db"],
    };

    [Theory]
    [InlineData("/usr/bin/alloyscan", "/usr/bin/alloyscan")]
    [InlineData("--store", "--store")]
    [InlineData("/opt/my programs/x", "\"/opt/my programs/x\"")]
    [InlineData("/opt/100%/x", "/opt/100%%/x")]
    [InlineData("/opt/$HOME/x", "/opt/$$HOME/x")]
    [InlineData("a\"b\\c d", "\"a\\\"b\\\\c d\"")]
    [InlineData("it's", "\"it's\"")]
    [InlineData("", "\"\"")]
    [InlineData(";", "\";\"")]
    public void Words_of_systemd_are_quoted(string word, string expected) => Assert.Equal(expected, SystemdUnit.Word(word));

    [Fact]
    public void A_unit_of_the_machine_has_account_secrets_and_the_right_target()
    {
        var plan = SystemdUnit.Plan(Request() with { User = "svc-alloy", SecretFiles = new Dictionary<string, string> { ["hq"] = "/etc/a b/100%.secret" }, EnvironmentFile = "/etc/alloyscan/env", Start = true });

        Assert.Equal("/etc/systemd/system/hq.service", plan.Path);
        Assert.Contains("\nExecStart=\"/opt/alloy scan/100%%/alloyscan\" serve --store \"/srv/my \\\"store\\\" $$HOME.db\"\n", plan.Text, StringComparison.Ordinal);
        Assert.Contains("\nType=notify\n", plan.Text, StringComparison.Ordinal);
        Assert.Contains("\nUser=svc-alloy\n", plan.Text, StringComparison.Ordinal);
        Assert.Contains("\nLoadCredential=hq:/etc/a b/100%%.secret\n", plan.Text, StringComparison.Ordinal);
        Assert.Contains("\nEnvironmentFile=/etc/alloyscan/env\n", plan.Text, StringComparison.Ordinal);
        Assert.EndsWith("\nWantedBy=multi-user.target\n", plan.Text, StringComparison.Ordinal);
        Assert.Equal(["systemctl daemon-reload", "systemctl enable --now hq.service"], plan.Register.Select(AutomationPlan.Line));
        Assert.Equal(["systemctl disable --now hq.service"], plan.Stop.Select(AutomationPlan.Line));
    }

    [Fact]
    public void A_launchd_agent_has_its_arguments_one_by_one()
    {
        var plan = LaunchdAgent.Plan(Request() with { User = "_alloy" });

        Assert.Equal("/Library/LaunchDaemons/com.alloyscan.hq.plist", plan.Path.Replace('\\', '/'));
        var dict = XDocument.Parse(plan.Text).Root!.Element("dict")!;
        var values = dict.Elements("key").ToDictionary(k => k.Value, k => (XElement)k.NextNode!);
        Assert.Equal("com.alloyscan.hq", values["Label"].Value);
        Assert.Equal(["/opt/alloy scan/100%/alloyscan", "serve", "--store", "/srv/my \"store\" $HOME.db"], values["ProgramArguments"].Elements().Select(e => e.Value));
        Assert.Equal("_alloy", values["UserName"].Value);
        Assert.Equal("hq", LaunchdAgent.NameOf(plan.Path));
        Assert.Contains(AutomationRequest.Marker, plan.Text, StringComparison.Ordinal);
        Assert.Throws<AlloyScanException>(() => LaunchdAgent.Plan(Request() with { EnvironmentFile = "/x" }));
    }

    [Fact]
    public void A_task_of_Windows_runs_without_a_time_limit_and_without_a_password()
    {
        var request = Request() with { Program = @"C:\Program Files\AlloyScan\alloyscan.exe", Arguments = ["serve", "--store", @"C:\my data\a ""b"" & c\"], Start = true };
        var plan = WindowsTask.Plan(request, @"CORP\ann");
        XNamespace ns = "http://schemas.microsoft.com/windows/2004/02/mit/task";
        var task = XDocument.Parse(plan.Text).Root!;

        Assert.Equal(@"C:\Program Files\AlloyScan\alloyscan.exe", task.Descendants(ns + "Command").Single().Value);
        Assert.Equal(@"serve --store ""C:\my data\a \""b\"" & c\\""", task.Descendants(ns + "Arguments").Single().Value);
        Assert.Equal("PT0S", task.Descendants(ns + "ExecutionTimeLimit").Single().Value);
        Assert.Equal("S-1-5-20", task.Descendants(ns + "UserId").Single().Value);
        Assert.Single(task.Descendants(ns + "BootTrigger"));
        Assert.Equal(@"schtasks /Run /TN \AlloyScan\hq", AutomationPlan.Line(plan.Register[1]));

        var own = XDocument.Parse(WindowsTask.Plan(request with { Scope = AutomationScope.User }, @"CORP\ann").Text).Root!;
        Assert.Equal("InteractiveToken", own.Descendants(ns + "LogonType").Single().Value);
        Assert.Single(own.Descendants(ns + "LogonTrigger"));
        Assert.Equal("Password", XDocument.Parse(WindowsTask.Plan(request with { User = @"CORP\gmsa$" }, "x").Text).Descendants(ns + "LogonType").Single().Value);
        Assert.Throws<AlloyScanException>(() => WindowsTask.Plan(request with { User = @"CORP\bob" }, "x"));
    }

    [Fact]
    public void A_service_of_Windows_is_made_changed_started_again_after_a_failure_and_removed()
    {
        var request = Request() with { Program = @"C:\Program Files\AlloyScan\alloyscan.exe", Arguments = ["serve", "--store", @"C:\my data\a.db", "--log-file", @"C:\logs\a.log"], Manager = WindowsService.Manager, Start = true };
        var plan = WindowsService.Plan(request, isThere: false);

        Assert.Equal(
            ["sc.exe", "create", "AlloyScan-hq", "binPath=", @"""C:\Program Files\AlloyScan\alloyscan.exe"" serve --store ""C:\my data\a.db"" --log-file C:\logs\a.log", "start=", "delayed-auto", "obj=", @"NT AUTHORITY\NetworkService", "DisplayName=", "AlloyScan Automation Server (hq)"],
            plan.Register[0]);
        Assert.Equal(["create", "description", "failure", "failureflag", "start"], plan.Register.Select(c => c[1]));
        Assert.All(plan.Register.Concat(plan.Stop), command => Assert.Equal(("sc.exe", "AlloyScan-hq"), (command[0], command[2])));
        Assert.Equal(["stop", "delete"], plan.Stop.Select(c => c[1]));
        Assert.Equal("config", WindowsService.Plan(request, isThere: true).Register[0][1]);
        Assert.Equal("hq", WindowsService.NameOf(plan.Path));
        Assert.Null(WindowsService.NameOf("hq.xml"));
        Assert.Contains(AutomationRequest.Marker, plan.Text, StringComparison.Ordinal);
        Assert.Equal(plan.Register[0][4], XDocument.Parse(plan.Text).Root!.Element("CommandLine")!.Value);

        Assert.Equal(["create", "description", "failure", "failureflag", "managedaccount", "start"], WindowsService.Plan(request with { User = @"CORP\gmsa$" }, false).Register.Select(c => c[1]));
        Assert.Equal("LocalSystem", WindowsService.Plan(request with { User = "SYSTEM" }, false).Register[0][8]);
        Assert.Equal(@"NT AUTHORITY\LOCALSERVICE", WindowsService.Plan(request with { User = @"NT AUTHORITY\LOCAL SERVICE" }, false).Register[0][8]);
        foreach (var wrong in new[] { request with { User = @"CORP\bob" }, request with { Scope = AutomationScope.User }, request with { EnvironmentFile = "x" }, request with { SecretFiles = new Dictionary<string, string> { ["a"] = "x" } } })
            Assert.Equal("InvalidAutomation", Assert.Throws<AlloyScanException>(() => WindowsService.Plan(wrong, false)).ErrorId);
    }

    [Theory]
    [InlineData(0, "SERVICE_NAME: AlloyScan-hq \r\n        TYPE               : 10  WIN32_OWN_PROCESS  \r\n        STATE              : 4  RUNNING \r\n", "running")]
    [InlineData(0, "DIENSTNAME: AlloyScan-hq \r\n        TYP                : 10  WIN32_OWN_PROCESS  \r\n        STATUS             : 3  STOP_PENDING \r\n", "stopping")]
    [InlineData(0, "SERVICE_NAME: AlloyScan-hq \r\n        TYPE               : 10  WIN32_OWN_PROCESS  \r\n        STATE              : 1  STOPPED \r\n", "stopped")]
    [InlineData(1060, "[SC] EnumQueryServicesStatus:OpenService FAILED 1060:", "not registered")]
    [InlineData(0, "", "unknown")]
    public void The_state_of_a_service_is_read_in_any_language(int exitCode, string answer, string state) => Assert.Equal(state, WindowsService.StateOf(exitCode, answer));

    [Fact]
    public void A_service_that_is_stopped_already_is_no_failure()
    {
        Assert.True(WindowsService.IsSoAlready(["sc.exe", "stop", "x"], 1062));
        Assert.True(WindowsService.IsSoAlready(["sc.exe", "start", "x"], 1056));
        Assert.False(WindowsService.IsSoAlready(["sc.exe", "delete", "x"], 1062));
        Assert.False(WindowsService.IsSoAlready(["sc.exe", "stop", "x"], 5));
    }

    [Theory]
    [InlineData("a b")]
    [InlineData("../x")]
    [InlineData("a\nb")]
    [InlineData("")]
    [InlineData("a;rm")]
    public void Names_that_could_be_something_else_are_refused(string name)
    {
        Assert.Equal("InvalidAutomation", Assert.Throws<AlloyScanException>(() => SystemdUnit.Plan(Request() with { Name = name })).ErrorId);
        Assert.Equal("InvalidAutomation", Assert.Throws<AlloyScanException>(() => SystemdUnit.Plan(Request() with { User = "bob\nExecStart=/bin/sh" })).ErrorId);
        Assert.Equal("InvalidAutomation", Assert.Throws<AlloyScanException>(() => SystemdUnit.Plan(Request() with { Arguments = ["a\nExecStartPre=/bin/sh"] })).ErrorId);
    }
}
