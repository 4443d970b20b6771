using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Reporting;
using AlloyScan.Engine.Sync;
using AlloyScan.Engine.Tests.Site;
using AlloyScan.Engine.Tests.Sync;
using static AlloyScan.Engine.Tests.Sync.SyncFixture;

namespace AlloyScan.Engine.Tests.Reporting;

public sealed class NotificationTests : IDisposable
{
    private const string Address = "https://hooks.example/services/T0/B0/verysecretpath";

    private readonly SyncFixture _fixture = new(clock: new InstantTime { LongestWait = TimeSpan.FromSeconds(5) });
    private readonly Receiver _receiver = new();

    public NotificationTests() => _fixture.Store.Notifications.Transport = _receiver;

    [Fact]
    public async Task Each_end_of_a_run_is_told_to_who_asked_for_it_and_recovery_only_after_a_problem()
    {
        Add("problems", NotificationEvents.Problems);
        Add("all", NotificationEvents.Problems | NotificationEvents.Success);
        _fixture.Source.Add(Device("d1", "PC-1", "SN-ONE-1"));

        Assert.Equal(["all:Success"], await ToldAsync());
        _fixture.Source.Before = call => throw new AlloyScanException(ErrorKind.Authentication, "TokenRefused", $"The list cannot be read ({call}).");
        Assert.Equal(["all:Failure", "problems:Failure"], await ToldAsync());
        Assert.Equal(["all:Failure", "problems:Failure"], await ToldAsync());
        _fixture.Source.Before = null;
        Assert.Equal(["all:Recovery", "problems:Recovery"], await ToldAsync());
        Assert.Equal(["all:Success"], await ToldAsync());
        _fixture.Source.Devices.Clear();
        Assert.Equal(["all:Block", "problems:Block"], await ToldAsync());
    }

    [Fact]
    public async Task A_run_that_somebody_stopped_is_not_told_and_leaves_the_problem_standing()
    {
        Add("problems", NotificationEvents.Problems);
        _fixture.Source.Add(Device("d1", "PC-1", "SN-ONE-1"));
        _fixture.Source.Before = _ => throw new AlloyScanException(ErrorKind.Authentication, "TokenRefused", "No.");
        await ToldAsync();
        using var stop = new CancellationTokenSource();
        _fixture.Source.Before = _ => stop.Cancel();

        Assert.Equal(SyncRunStatus.Canceled, (await _fixture.RunAsync(token: stop.Token)).Status);
        Assert.Single(_receiver.Bodies);

        _fixture.Source.Before = null;
        Assert.Equal(["problems:Recovery"], await ToldAsync());
    }

    [Fact]
    public async Task Rehearsals_and_unsaved_jobs_are_not_told_and_jobs_are_chosen_by_pattern()
    {
        Add("other", NotificationEvents.Success, jobs: ["Branch*"]);
        Add("this", NotificationEvents.Success, jobs: ["branch", "h?"]);
        await _fixture.RunAsync(SyncMode.WhatIf);
        await _fixture.RunAsync(SyncMode.SavePlan);
        Assert.Empty(_receiver.Bodies);

        Assert.Equal(["this:Success"], await ToldAsync());
        _fixture.Store.Notifications.Update(_fixture.Store.Notifications.Get("THIS") with { Enabled = false });
        Assert.Empty(await ToldAsync());
    }

    [Fact]
    public async Task A_run_that_could_not_begin_is_told_as_a_failure()
    {
        Add("problems", NotificationEvents.Problems);

        var e = await Assert.ThrowsAsync<AlloyScanException>(() => _fixture.Store.Sync.ExecuteAsync(new SyncRequest { Job = _fixture.Job }, _fixture.Heard, default));

        Assert.Equal("SecretNotFound", e.ErrorId);
        var body = JsonDocument.Parse(Assert.Single(_receiver.Bodies)).RootElement;
        Assert.Equal(("Failure", "SecretNotFound", JsonValueKind.Null, 4), (body.GetProperty("event").GetString(), body.GetProperty("error_id").GetString(), body.GetProperty("id").ValueKind, body.GetProperty("exit_code").GetInt32()));
        Assert.Contains("ALLOYSCAN_TEST_UNSET", body.GetProperty("message").GetString(), StringComparison.Ordinal);
        _fixture.Source.Add(Device("d1", "PC-1", "SN-ONE-1"));
        Assert.Equal(["problems:Recovery"], await ToldAsync());
    }

    [Theory]
    [InlineData(200, 1, null)]
    [InlineData(202, 1, null)]
    [InlineData(404, 1, "hooks.example answered 404 NotFound.")]
    [InlineData(500, 3, "hooks.example answered 500 InternalServerError.")]
    [InlineData(429, 3, "hooks.example answered 429 TooManyRequests.")]
    [InlineData(302, 1, "hooks.example sends on to another address (302); give the one that it is now.")]
    [InlineData(0, 3, "hooks.example cannot be reached: Connection refused.")]
    public async Task A_receiver_that_fails_is_tried_again_where_that_may_help_and_never_fails_the_run(int status, int tries, string? error)
    {
        Add("hook", NotificationEvents.Success);
        _receiver.Status = status;

        var run = await _fixture.RunWellAsync();

        Assert.Equal(tries, _receiver.Requests);
        Assert.Equal(SyncRunStatus.Succeeded, run.Status);
        Assert.Equal(error is null ? [] : [$"The notification 'hook' was not sent: {error}"], _fixture.Heard.Warnings);
        var kept = _fixture.Store.Notifications.Get("hook");
        Assert.Equal(error, kept.LastError);
        Assert.Equal(error is null, kept.LastSentAt is not null);
    }

    [Fact]
    public async Task A_receiver_that_comes_back_gets_it_at_a_later_try()
    {
        Add("hook", NotificationEvents.Success);
        _receiver.Status = 503;
        _receiver.Then = 200;

        await _fixture.RunWellAsync();

        Assert.Equal(2, _receiver.Requests);
        Assert.Null(_fixture.Store.Notifications.Get("hook").LastError);
    }

    [Fact]
    public async Task The_address_and_the_password_are_in_no_text_and_not_in_the_store()
    {
        Add("hook", NotificationEvents.Success);
        _receiver.Status = 500;
        await _fixture.RunWellAsync();
        var mail = new FailingMail("535 5.7.8 bad password tr0ub4dor&3 dHIwdWI0ZG9yJjM=");
        _fixture.Store.Notifications.Mail = mail;
        _fixture.Store.Notifications.Create(Mail() with { UserName = "sync", Password = Kept("tr0ub4dor&3") });
        var trial = await _fixture.Store.Notifications.TestAsync("mail", default);

        Assert.False(trial.Sent);
        Assert.Contains("535", trial.Error, StringComparison.Ordinal);
        var texts = string.Join('\n', [.. _fixture.Everything(), .. _fixture.Heard.Warnings, trial.Error, .. _fixture.Store.Notifications.List().Select(n => JsonSerializer.Serialize(n))]);
        Assert.DoesNotContain("verysecretpath", texts, StringComparison.Ordinal);
        Assert.DoesNotContain("tr0ub4dor", texts, StringComparison.Ordinal);
        Assert.DoesNotContain("dHIwdWI0ZG9yJjM=", texts, StringComparison.Ordinal);
        Assert.Equal(new Uri(Address + "?for=hook"), _receiver.Last);
    }

    [Fact]
    public async Task Slack_teams_and_heartbeat_get_their_own_forms_with_names_as_they_are()
    {
        _fixture.Job = _fixture.Store.Jobs.Update(_fixture.Job with { Name = "<HQ> & *co*" });
        Add("slack", NotificationEvents.Success, NotificationKind.Slack);
        await _fixture.RunWellAsync();
        Assert.StartsWith("AlloyScan sync '&lt;HQ&gt; &amp; *co*': succeeded\n", JsonDocument.Parse(Assert.Single(_receiver.Bodies)).RootElement.GetProperty("text").GetString(), StringComparison.Ordinal);

        _fixture.Store.Notifications.Remove("slack");
        Add("teams", NotificationEvents.Success, NotificationKind.Teams);
        await _fixture.RunWellAsync();
        var card = JsonDocument.Parse(_receiver.Bodies[1]).RootElement.GetProperty("attachments")[0];
        Assert.Equal("application/vnd.microsoft.card.adaptive", card.GetProperty("contentType").GetString());
        Assert.Equal(@"AlloyScan sync '<HQ> & \*co\*': succeeded", card.GetProperty("content").GetProperty("body")[0].GetProperty("text").GetString());

        _fixture.Store.Notifications.Remove("teams");
        Add("beat", NotificationEvents.Success, NotificationKind.Heartbeat);
        await _fixture.RunWellAsync();
        Assert.Equal(("GET", string.Empty), (_receiver.Method, _receiver.Bodies[2]));
    }

    [Fact]
    public async Task Mail_goes_to_a_server_with_all_that_it_needs()
    {
        using var server = new SmtpServer();
        _fixture.Store.Notifications.Create(Mail() with { Host = "127.0.0.1", Port = server.Port, UseTls = false });

        var result = await _fixture.Store.Notifications.TestAsync("mail", default);

        Assert.True(result.Sent, result.Error);
        var talk = string.Join('\n', await server.Talk);
        Assert.Contains("MAIL FROM:<sync@example.com>", talk, StringComparison.Ordinal);
        Assert.Contains("RCPT TO:<it@example.com>", talk, StringComparison.Ordinal);
        Assert.Contains("RCPT TO:<oncall@example.com>", talk, StringComparison.Ordinal);
        Assert.Contains("Subject: AlloyScan sync 'Trial': succeeded", talk, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_goes_to_a_mail_server_without_the_encryption_that_was_asked_for()
    {
        using var server = new SmtpServer();
        _fixture.Store.Notifications.Create(Mail() with { Host = "127.0.0.1", Port = server.Port, UserName = "sync", Password = Kept("tr0ub4dor&3") });

        var result = await _fixture.Store.Notifications.TestAsync("mail", default);

        Assert.Equal((false, 1), (result.Sent, result.Tries));
        Assert.Contains("STARTTLS", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(await server.Talk, line => !line.StartsWith("EHLO", StringComparison.Ordinal) && line != "QUIT");
    }

    [Fact]
    public async Task What_a_mail_server_refuses_for_good_is_tried_once()
    {
        using var server = new SmtpServer("RCPT", "550 5.1.1 no such mailbox");
        _fixture.Store.Notifications.Create(Mail() with { Host = "127.0.0.1", Port = server.Port, UseTls = false });

        var result = await _fixture.Store.Notifications.TestAsync("mail", default);

        Assert.Equal((false, 1), (result.Sent, result.Tries));
        Assert.Contains("no such mailbox", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_mail_server_that_is_not_there_is_a_result()
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();
        _fixture.Store.Notifications.Create(Mail() with { Host = "127.0.0.1", Port = port, UseTls = false });

        var result = await _fixture.Store.Notifications.TestAsync("mail", default);

        Assert.Equal((false, 3), (result.Sent, result.Tries));
        Assert.Contains("127.0.0.1", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://hooks.example/x", "InsecureAddress")]
    [InlineData("ftp://hooks.example/x", "InvalidNotification")]
    [InlineData("hooks.example", "InvalidNotification")]
    public void An_address_that_cannot_be_used_is_refused_and_not_quoted(string address, string errorId)
    {
        var e = Assert.Throws<AlloyScanException>(() => _fixture.Store.Notifications.Create(new Notification { Name = "hook", Address = Kept(address) }));
        Assert.Equal(errorId, e.ErrorId);
        Assert.DoesNotContain(address, e.MessageWithAdvice, StringComparison.Ordinal);
        Assert.Empty(_fixture.Store.Notifications.List());
    }

    [Fact]
    public void What_is_missing_or_wrong_is_refused_by_name()
    {
        var all = _fixture.Store.Notifications;
        all.Create(Mail());
        Refused("InvalidNotification", () => all.Create(Mail() with { Name = " " }));
        Refused("NotificationExists", () => all.Create(Mail() with { Name = "MAIL" }));
        Refused("InvalidNotification", () => all.Create(Mail() with { Name = "m2", On = NotificationEvents.None }));
        Refused("InvalidNotification", () => all.Create(Mail() with { Name = "m2", To = [] }));
        Refused("InvalidNotification", () => all.Create(Mail() with { Name = "m2", To = ["it@example.com\r\nBcc: all@example.com"] }));
        Refused("InvalidNotification", () => all.Create(Mail() with { Name = "m2", From = "nobody" }));
        Refused("InvalidNotification", () => all.Create(Mail() with { Name = "m2", Host = "two words" }));
        Refused("InvalidNotification", () => all.Create(Mail() with { Name = "m2", Port = 0 }));
        Refused("InvalidNotification", () => all.Create(Mail() with { Name = "m2", UserName = "sync" }));
        Refused("InsecureAddress", () => all.Create(Mail() with { Name = "m2", UserName = "sync", Password = Kept("p"), UseTls = false }));
        Refused("InvalidNotification", () => all.Create(new Notification { Name = "hook" }));
        Refused("NotificationNotFound", () => all.Get("none"));
        Refused("NotificationNotFound", () => all.Remove("none"));
        Assert.Equal("mail", Assert.Single(all.List()).Name);
    }

    public void Dispose() => _fixture.Dispose();

    private static void Refused(string errorId, Action work) => Assert.Equal(errorId, Assert.Throws<AlloyScanException>(work).ErrorId);

    private static SecretReference Kept(string text) => SecretReference.FromMemory(new Secret(text));

    private static Notification Mail() => new() { Name = "mail", Kind = NotificationKind.Mail, Host = "mail.example", From = "sync@example.com", To = ["it@example.com", "oncall@example.com"] };

    private void Add(string name, NotificationEvents on, NotificationKind kind = NotificationKind.Webhook, string[]? jobs = null) =>
        _fixture.Store.Notifications.Create(new Notification { Name = name, Kind = kind, On = on, Jobs = jobs ?? [], Address = Kept($"{Address}?for={name}") });

    private async Task<List<string>> ToldAsync()
    {
        _receiver.Clear();
        await _fixture.RunAsync();
        return [.. _receiver.Told.Order(StringComparer.Ordinal)];
    }

    /// <summary>Answers posts and keeps them.</summary>
    private sealed class Receiver : HttpMessageHandler
    {
        private readonly object _gate = new();

        public List<string> Bodies { get; } = [];

        public List<string> Told { get; } = [];

        public int Requests { get; private set; }

        public int Status { get; set; } = 200;

        public int? Then { get; set; }

        public Uri? Last { get; private set; }

        public string? Method { get; private set; }

        public void Clear()
        {
            Bodies.Clear();
            Told.Clear();
        }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var body = request.Content is null ? string.Empty : await request.Content.ReadAsStringAsync(cancellationToken);
            lock (_gate)
            {
                Requests++;
                Method = request.Method.Method;
                Last = request.RequestUri;
                Bodies.Add(body);
                if (body.Length > 0 && JsonDocument.Parse(body).RootElement.TryGetProperty("event", out var told))
                    Told.Add($"{request.RequestUri!.Query["?for=".Length..]}:{told.GetString()}");
                var status = Status;
                Status = Then ?? Status;
                return status == 0
                    ? throw new HttpRequestException("An error occurred.", new IOException("Connection refused."))
                    : new HttpResponseMessage((HttpStatusCode)status) { Content = new StringContent("<html>whatever</html>") };
            }
        }
    }

    private sealed class FailingMail(string words) : IMailSender
    {
        public Task SendAsync(Notification notification, string subject, string text, CancellationToken cancellationToken) =>
            throw new MailRefusedException(words, mayPass: false);
    }

    /// <summary>Takes one mail and keeps what was said.</summary>
    private sealed class SmtpServer : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

        private readonly string? _refused;
        private readonly string _answer;

        public SmtpServer(string? refused = null, string answer = "250 ok")
        {
            (_refused, _answer) = (refused, answer);
            _listener.Start();
            Talk = Task.Run(ServeAsync);
        }

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        public Task<List<string>> Talk { get; }

        public void Dispose() => _listener.Stop();

        private async Task<List<string>> ServeAsync()
        {
            var said = new List<string>();
            using var client = await _listener.AcceptTcpClientAsync();
            using var reader = new StreamReader(client.GetStream(), Encoding.UTF8);
            using var writer = new StreamWriter(client.GetStream(), new UTF8Encoding(false)) { NewLine = "\r\n", AutoFlush = true };
            await writer.WriteLineAsync("220 test");
            var data = false;
            while (await reader.ReadLineAsync() is { } line)
            {
                said.Add(line);
                if (data && line != ".")
                    continue;
                data = line == "DATA";
                await writer.WriteLineAsync(data ? "354 go on" : line == "QUIT" ? "221 bye" : _refused is not null && line.StartsWith(_refused, StringComparison.Ordinal) ? _answer : "250 ok");
                if (line == "QUIT")
                    break;
            }

            return said;
        }
    }
}
