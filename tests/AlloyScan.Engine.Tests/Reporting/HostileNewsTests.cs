using System.Net;
using System.Net.Mail;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Reporting;
using AlloyScan.Engine.Sync;
using AlloyScan.Engine.Tests.Hostile;
using AlloyScan.Engine.Tests.Site;
using AlloyScan.Engine.Tests.Sync;

namespace AlloyScan.Engine.Tests.Reporting;

/// <summary>News of runs whose names and messages mean harm, and receivers that mean harm.</summary>
public sealed class HostileNewsTests : IDisposable
{
    private readonly InstantTime _clock = new() { LongestWait = TimeSpan.FromSeconds(5) };
    private readonly SyncFixture _fixture;

    public HostileNewsTests() => _fixture = new SyncFixture(clock: _clock);

    public void Dispose() => _fixture.Dispose();

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 4)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Whatever_names_and_messages_hold_each_form_is_whole_and_says_only_what_is_ours(int seed)
    {
        var mutation = new Mutation(seed);
        for (var round = 0; round < 300; round++)
        {
            var news = News(mutation.Absurd(), mutation.Absurd() + mutation.Text("Device 'PC-1' failed: <!channel> [click](https://evil.example) *now*"), mutation.Absurd());

            Assert.All(news.Title, c => Assert.False(char.IsControl(c) || c is '\u202E' or '\u2028'));
            Assert.InRange(news.Title.Length, 1, 300);
            // What is ours stands at the beginning of a line, and nothing of theirs does.
            Assert.Equal(["Job", "Site", "Host", "Started", "Ended"], news.Text.Split('\n').TakeWhile(line => line.Length > 0).Select(line => line.Split(':')[0]).Where(name => name is not "Run"));
            Assert.All(news.Text.Where(c => c != '\n'), c => Assert.False(char.IsControl(c)));
            using var mail = new MailMessage { Subject = news.Title, Body = news.Text };

            var json = Parsed(news.Json());
            Assert.Equal(("Failure", "Failed", 4), (json.GetProperty("event").GetString(), json.GetProperty("status").GetString(), json.GetProperty("exit_code").GetInt32()));

            var slack = Parsed(news.Slack());
            Assert.Equal((false, false), (slack.GetProperty("mrkdwn").GetBoolean(), slack.GetProperty("link_names").GetBoolean()));
            Assert.DoesNotContain(slack.GetProperty("text").GetString()!, c => c is '<' or '>');

            var card = Parsed(news.Teams()).GetProperty("attachments")[0].GetProperty("content").GetProperty("body");
            Assert.Equal(["TextBlock", "FactSet", "TextBlock"], card.EnumerateArray().Select(part => part.GetProperty("type").GetString()));
            Assert.All(
                card.EnumerateArray().Where(part => part.TryGetProperty("text", out _)).Select(part => part.GetProperty("text").GetString()!).Concat(card[1].GetProperty("facts").EnumerateArray().Select(fact => fact.GetProperty("value").GetString()!)),
                text => Assert.False(SetsType(text), text));
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Whatever_a_notification_is_given_it_is_kept_or_refused_by_ID_and_no_address_is_quoted(int seed)
    {
        var mutation = new Mutation(seed);
        var all = _fixture.Store.Notifications;
        var (kept, refused) = (0, 0);
        for (var round = 0; round < 120; round++)
        {
            var address = mutation.Text("https://hooks.example/services/T0/verysecretpath?a=b");
            var mail = mutation.Below(2) == 0;
            var notification = new Notification
            {
                Name = mutation.Below(4) == 0 ? mutation.Absurd() : $"n{round}",
                Kind = mail ? NotificationKind.Mail : NotificationKind.Webhook,
                Jobs = [mutation.Absurd(), mutation.Text("Branch*")],
                Host = mutation.Text("mail.example"),
                From = mutation.Text("Sync <sync@example.com>"),
                To = [mutation.Text("it@example.com"), mutation.Absurd()],
                Address = mail || address.Length == 0 ? null : SecretReference.FromMemory(new Secret(address)),
            };
            if (mutation.Below(2) == 0)
                notification = notification with { Host = "mail.example", From = "sync@example.com", To = ["it@example.com"] };
            try
            {
                var saved = all.Create(notification);
                Assert.DoesNotContain("verysecretpath", JsonSerializer.Serialize(all.Get(saved.Name)), StringComparison.Ordinal);
                kept++;
            }
            catch (AlloyScanException e)
            {
                Assert.Contains(e.ErrorId, (string[])["InvalidNotification", "InsecureAddress", "NotificationExists", "InvalidText"]);
                Assert.DoesNotContain("verysecretpath", e.ToString() + e.Advice, StringComparison.Ordinal);
                refused++;
            }
        }

        Assert.True(kept > 5 && refused > 5, $"{kept} kept, {refused} refused");
    }

    [Fact]
    public void Huge_texts_are_cut_and_no_character_is_halved()
    {
        var news = News(string.Concat(Enumerable.Repeat("\U0001F600", 100_000)), "x" + string.Concat(Enumerable.Repeat("\U0001F600", 100_000)), new string('s', 1_000_000));

        foreach (var form in (byte[][])[news.Json(), news.Slack(), news.Teams()])
        {
            Assert.InRange(form.Length, 100, 64 * 1024);
            Assert.DoesNotContain('\uFFFD', Encoding.UTF8.GetString(form));
            Assert.DoesNotContain("\\ud83d\"", Encoding.UTF8.GetString(form), StringComparison.OrdinalIgnoreCase);
        }

        Assert.InRange(news.Text.Length, 100, 4000);
    }

    [Fact]
    public async Task No_name_writes_a_header_of_a_mail()
    {
        using var server = new TcpListener(IPAddress.Loopback, 0);
        server.Start();
        var talk = ListenAsync(server);
        var mail = new Notification { Name = "mail", Kind = NotificationKind.Mail, Host = "127.0.0.1", Port = ((IPEndPoint)server.LocalEndpoint).Port, UseTls = false, From = "sync@example.com", To = ["it@example.com"] };
        using var sender = new NotificationSender(null, new MailSender(), TimeProvider.System);

        var result = await sender.SendAsync(mail, News("HQ\r\nBcc: all@example.com\r\n\r\nbody", "m\r\n.\r\nMAIL FROM:<x@evil.example>", "site"), default);

        Assert.True(result.Sent, result.Error);
        var lines = (await talk).Split("\r\n");
        Assert.DoesNotContain(lines, line => line.StartsWith("Bcc", StringComparison.OrdinalIgnoreCase));
        Assert.Single(lines, line => line.StartsWith("MAIL FROM", StringComparison.OrdinalIgnoreCase));
        Assert.Single(lines, line => line.StartsWith("RCPT TO", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task A_redirect_to_another_host_is_not_followed()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        using var first = new TcpListener(IPAddress.Loopback, 0);
        first.Start();
        var asked = AnswerAsync(first, $"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://localhost:{((IPEndPoint)other.LocalEndpoint).Port}/taken\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        using var sender = new NotificationSender(null, new MailSender(), TimeProvider.System);

        var result = await sender.SendAsync(Hook($"http://127.0.0.1:{((IPEndPoint)first.LocalEndpoint).Port}/x/token-of-the-channel"), News("HQ", "m", "s"), default);

        Assert.Contains("token-of-the-channel", await asked, StringComparison.Ordinal);
        Assert.False(result.Sent);
        Assert.Equal(1, result.Tries);
        Assert.DoesNotContain("token-of-the-channel", result.Error, StringComparison.Ordinal);
        Assert.False(other.Pending());
    }

    [Theory]
    [InlineData(NotificationKind.Webhook)]
    [InlineData(NotificationKind.Heartbeat)]
    [InlineData(NotificationKind.Mail)]
    public async Task A_receiver_that_never_answers_and_hears_no_stop_is_given_up(NotificationKind kind)
    {
        var forever = new TaskCompletionSource<HttpResponseMessage>();
        var sent = new TaskCompletionSource();
        using var sender = new NotificationSender(new Deaf(forever.Task, sent), new DeafMail(forever.Task, sent), _clock);
        var notification = kind == NotificationKind.Mail ? Mail() : Hook("https://hooks.example/x") with { Kind = kind };

        var sending = sender.SendAsync(notification, News("HQ", "m", "s"), default);
        await sent.Task;
        Assert.False(sending.IsCompleted);
        _clock.Advance(TimeSpan.FromSeconds(31));
        var result = await sending;

        Assert.False(result.Sent);
        Assert.EndsWith(" did not take it within 30 s.", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_address_in_a_pipe_that_nobody_writes_to_holds_no_run_up()
    {
        if (OperatingSystem.IsWindows())
            return;

        var folder = Directory.CreateTempSubdirectory("alloyscan-test-");
        try
        {
            var pipe = Path.Combine(folder.FullName, "pipe");
            using (var made = System.Diagnostics.Process.Start("mkfifo", [pipe])!)
                await made.WaitForExitAsync();
            _fixture.Store.Notifications.Create(new Notification { Name = "hook", Address = SecretReference.FromFile(pipe) });

            var trial = _fixture.Store.Notifications.TestAsync("hook", default);
            // The limit counts from when it is set, which is at some time after the call.
            for (; !trial.IsCompleted; await Task.Delay(10))
                _clock.Advance(TimeSpan.FromSeconds(31));
            var result = await trial;

            Assert.Equal("The receiver did not take it within 30 s.", result.Error);
            // Lets the thread go that waits for the pipe.
            await File.WriteAllTextAsync(pipe, "https://hooks.example/x");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Nothing_that_goes_wrong_with_a_receiver_fails_the_run()
    {
        _fixture.Store.Notifications.Mail = new BrokenMail();
        _fixture.Store.Notifications.Create(Mail() with { On = NotificationEvents.Success });

        var run = await _fixture.RunWellAsync();

        Assert.Equal(SyncRunStatus.Succeeded, run.Status);
        Assert.Equal("The notification 'mail' was not sent: It could not be sent: Nobody foresaw this.", Assert.Single(_fixture.Heard.Warnings));
    }

    [Fact]
    public async Task What_is_missing_is_called_by_its_name_with_its_owner_and_the_account()
    {
        using var sender = new NotificationSender(null, new MailSender(), _clock);
        var hook = await sender.SendAsync(new Notification { Name = "ops", Address = SecretReference.FromEnvironment("ALLOYSCAN_TEST_UNSET") }, News("HQ", "m", "s"), default);
        var mail = await sender.SendAsync(Mail() with { UserName = "sync", Password = SecretReference.FromStored(SecretKind.Protected, "aesgcm:" + Convert.ToBase64String(new byte[60]) + "#mary@HOST7") }, News("HQ", "m", "s"), default);

        Assert.StartsWith($"The address of the notification 'ops' cannot be had. The environment variable 'ALLOYSCAN_TEST_UNSET' that should hold the address is not set for the account '{Environment.UserName}' on", hook.Error, StringComparison.Ordinal);
        Assert.Contains("Set-AlloyScanNotification", hook.Error, StringComparison.Ordinal);
        Assert.Contains("mail password", mail.Error, StringComparison.Ordinal);
        Assert.Contains("the account 'mary' on 'HOST7'", mail.Error, StringComparison.Ordinal);
        Assert.All((string?[])[hook.Error, mail.Error], error => Assert.DoesNotContain("client secret", error, StringComparison.Ordinal));
    }

    private static RunNews News(string job, string message, string site) => RunNews.Of(
        new SyncRun { Job = job, Site = site.Length == 0 ? "site" : site, Message = message.Length == 0 ? "message" : message, Status = SyncRunStatus.Failed, StartedAt = DateTimeOffset.UnixEpoch, EndedAt = DateTimeOffset.UnixEpoch }, null, NotificationEvents.Problems)!;

    private static Notification Hook(string address) => new() { Name = "hook", Address = SecretReference.FromMemory(new Secret(address)) };

    private static Notification Mail() => new() { Name = "mail", Kind = NotificationKind.Mail, Host = "mail.example", From = "sync@example.com", To = ["it@example.com"] };

    private static JsonElement Parsed(byte[] json) => JsonDocument.Parse(json).RootElement;

    /// <summary>Whether a text has a character in it that Markdown gives a meaning, and that no backslash takes it from.</summary>
    private static bool SetsType(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\')
                i++;
            else if (text[i] is '*' or '_' or '[' or ']' or '`' or '#' or '~' or '{')
                return true;
        }

        return false;
    }

    private static async Task<string> AnswerAsync(TcpListener listener, string answer)
    {
        using var client = await listener.AcceptTcpClientAsync();
        var stream = client.GetStream();
        var buffer = new byte[16 * 1024];
        var length = await stream.ReadAsync(buffer);
        await stream.WriteAsync(Encoding.ASCII.GetBytes(answer));
        return Encoding.UTF8.GetString(buffer, 0, length);
    }

    private static async Task<string> ListenAsync(TcpListener listener)
    {
        var said = new StringBuilder();
        using var client = await listener.AcceptTcpClientAsync();
        using var reader = new StreamReader(client.GetStream(), Encoding.UTF8);
        using var writer = new StreamWriter(client.GetStream(), new UTF8Encoding(false)) { NewLine = "\r\n", AutoFlush = true };
        await writer.WriteLineAsync("220 test");
        var data = false;
        while (await reader.ReadLineAsync() is { } line)
        {
            said.Append(line).Append("\r\n");
            if (data && line != ".")
                continue;
            data = line == "DATA";
            await writer.WriteLineAsync(data ? "354 go on" : line == "QUIT" ? "221 bye" : "250 ok");
            if (line == "QUIT")
                break;
        }

        return said.ToString();
    }

    private sealed class Deaf(Task<HttpResponseMessage> answer, TaskCompletionSource sent) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            sent.TrySetResult();
            return answer;
        }
    }

    private sealed class DeafMail(Task answer, TaskCompletionSource sent) : IMailSender
    {
        public Task SendAsync(Notification notification, string subject, string text, CancellationToken cancellationToken)
        {
            sent.TrySetResult();
            return answer;
        }
    }

    private sealed class BrokenMail : IMailSender
    {
        public Task SendAsync(Notification notification, string subject, string text, CancellationToken cancellationToken) => throw new InvalidOperationException("Nobody foresaw this.");
    }
}
