using System.Data.Common;
using System.IO.Enumeration;
using System.Net.Mail;
using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync;
using Newtonsoft.Json;

namespace AlloyScan.Engine.Reporting;

/// <summary>Whom the store's jobs tell how their runs ended.</summary>
public sealed class Notifications
{
    private const string Columns = "id, name, kind, enabled, events, jobs, host, port, use_tls, sender, receivers, user_name, secret_kind, secret_value, last_sent_at, last_error";

    private readonly AlloyStore _store;

    internal Notifications(AlloyStore store) => _store = store;

    /// <summary>Carries requests, for tests; <see langword="null"/> for the network.</summary>
    internal HttpMessageHandler? Transport { get; set; }

    /// <summary>Carries mail.</summary>
    internal IMailSender Mail { get; set; } = new MailSender();

    /// <summary>The notifications in order of name.</summary>
    /// <param name="namePattern">A name, or a pattern with <c>*</c> and <c>?</c>; <see langword="null"/> for all.</param>
    public IReadOnlyList<Notification> List(string? namePattern = null)
    {
        using var session = _store.NewSession();
        return [.. Read(session).Where(n => namePattern is null || Fits(namePattern, n.Name)).OrderBy(n => n.Name, StringComparer.OrdinalIgnoreCase)];
    }

    /// <summary>One notification.</summary>
    /// <param name="name">Its name.</param>
    /// <exception cref="AlloyScanException">There is none (<c>NotificationNotFound</c>).</exception>
    public Notification Get(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        using var session = _store.NewSession();
        return Read(session).FirstOrDefault(n => string.Equals(n.Name, name.Trim(), StringComparison.OrdinalIgnoreCase))
            ?? throw new AlloyScanException(ErrorKind.NotFound, "NotificationNotFound", $"There is no notification '{name}'.", name, "Get-AlloyScanNotification lists them.");
    }

    /// <summary>Saves a new notification. A secret in memory becomes protected.</summary>
    /// <param name="notification">The notification.</param>
    /// <returns>The notification as saved.</returns>
    /// <exception cref="AlloyScanException">The name is taken (<c>NotificationExists</c>), or a setting is missing or wrong (<c>InvalidNotification</c>, <c>InsecureAddress</c>, <c>SecretNotFound</c>).</exception>
    public Notification Create(Notification notification)
    {
        ArgumentNullException.ThrowIfNull(notification);
        var checkedOne = Check(notification);
        using var session = _store.NewSession();
        var now = _store.TimeProvider.NowMilliseconds();
        session.InTransactionDo(() =>
        {
            CheckNameIsFree(session, checkedOne);
            Bind(
                session.Prepare("""
                    INSERT INTO notifications (name, kind, enabled, events, jobs, host, port, use_tls, sender, receivers, user_name, secret_kind, secret_value, updated_at, created_at)
                    VALUES (@p0, @p1, @p2, @p3, @p4, @p5, @p6, @p7, @p8, @p9, @p10, @p11, @p12, @p13, @p13)
                    """),
                checkedOne).Set(13, now).Execute();
        });
        return Get(checkedOne.Name);
    }

    /// <summary>Saves a changed notification, found by <see cref="Notification.Id"/>; its name may have changed.</summary>
    /// <param name="notification">The notification.</param>
    /// <returns>The notification as saved.</returns>
    /// <exception cref="AlloyScanException">As <see cref="Create"/>, and it is not there any more (<c>NotificationNotFound</c>).</exception>
    public Notification Update(Notification notification)
    {
        ArgumentNullException.ThrowIfNull(notification);
        var checkedOne = Check(notification);
        using var session = _store.NewSession();
        session.InTransactionDo(() =>
        {
            CheckNameIsFree(session, checkedOne);
            var found = Bind(
                session.Prepare("""
                    UPDATE notifications SET name = @p0, kind = @p1, enabled = @p2, events = @p3, jobs = @p4, host = @p5, port = @p6, use_tls = @p7, sender = @p8, receivers = @p9,
                        user_name = @p10, secret_kind = @p11, secret_value = @p12, updated_at = @p13, last_error = NULL WHERE id = @p14
                    """),
                checkedOne).Set(13, _store.TimeProvider.NowMilliseconds()).Set(14, checkedOne.Id).Execute();
            if (found == 0)
                throw new AlloyScanException(ErrorKind.NotFound, "NotificationNotFound", $"There is no notification '{checkedOne.Name}' any more.", checkedOne.Name);
        });
        return Get(checkedOne.Name);
    }

    /// <summary>Removes a notification.</summary>
    /// <param name="name">Its name.</param>
    /// <exception cref="AlloyScanException">There is none (<c>NotificationNotFound</c>).</exception>
    public void Remove(string name)
    {
        var notification = Get(name);
        using var session = _store.NewSession();
        session.InTransactionDo(() =>
        {
            session.Execute("DELETE FROM notification_states WHERE notification = @p0", notification.Id);
            session.Execute("DELETE FROM notifications WHERE id = @p0", notification.Id);
        });
    }

    /// <summary>Sends a trial, whatever the notification is asked to tell.</summary>
    /// <param name="name">Name of the notification.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>Whether it got there; a receiver that cannot be reached is a result and no exception.</returns>
    /// <exception cref="AlloyScanException">There is none (<c>NotificationNotFound</c>).</exception>
    public async Task<NotificationResult> TestAsync(string name, CancellationToken cancellationToken)
    {
        var notification = Get(name);
        using var sender = new NotificationSender(Transport, Mail, _store.TimeProvider);
        var result = await sender.SendAsync(notification, RunNews.Trial(_store.TimeProvider.GetUtcNow()), cancellationToken).ConfigureAwait(false);
        Record([(notification, result)], []);
        return result;
    }

    /// <summary>
    /// Tells whoever asked for it how a run ended. Takes bounded time and never fails: what could not be sent is a warning, and stands
    /// on the notification.
    /// </summary>
    internal async Task TellAsync(SyncRun run, long jobId, ISyncObserver observer, CancellationToken cancellationToken)
    {
        try
        {
            var news = new List<(Notification Notification, RunNews News)>();
            var states = new List<Notification>();
            using (var session = _store.NewSession())
            {
                foreach (var notification in Read(session).Where(n => n.Enabled && (n.Jobs.Count == 0 || n.Jobs.Any(pattern => Fits(pattern, run.Job)))))
                {
                    var before = session.Prepare("SELECT status FROM notification_states WHERE notification = @p0 AND job_id = @p1").Set(0, notification.Id).Set(1, jobId).Text();
                    var known = Enum.TryParse<SyncRunStatus>(before, out var status) ? status : (SyncRunStatus?)null;
                    // A run that somebody stopped leaves the job as it was.
                    if (run.Status != SyncRunStatus.Canceled && known != run.Status)
                        states.Add(notification);
                    if (RunNews.Of(run, known, notification.On) is { } told)
                        news.Add((notification, told));
                }
            }

            using var sender = new NotificationSender(Transport, Mail, _store.TimeProvider);
            var results = await Task.WhenAll(news.Select(n => sender.SendAsync(n.Notification, n.News, cancellationToken))).ConfigureAwait(false);
            foreach (var failed in results.Where(r => !r.Sent))
                observer.OnWarning($"The notification '{failed.Name}' was not sent: {failed.Error}");
            Record([.. news.Select((n, i) => (n.Notification, results[i]))], [.. states.Select(n => (n, jobId, run.Status))]);
        }
        catch (OperationCanceledException)
        {
            observer.OnWarning("Stopped before all notifications were sent.");
        }
        catch (Exception e)
        {
            // The run has ended, and nothing that goes wrong from here on may take its result away.
            observer.OnWarning($"Notifications were not sent or not noted: {e.Message}");
        }
    }

    private void Record(IReadOnlyList<(Notification Notification, NotificationResult Result)> sent, IReadOnlyList<(Notification Notification, long JobId, SyncRunStatus Status)> states)
    {
        if (sent.Count == 0 && states.Count == 0)
            return;

        using var session = _store.NewSession();
        session.InTransactionDo(() =>
        {
            var now = _store.TimeProvider.NowMilliseconds();
            foreach (var (notification, result) in sent)
            {
                session.Prepare("UPDATE notifications SET last_sent_at = coalesce(@p1, last_sent_at), last_error = @p2 WHERE id = @p0")
                    .Set(0, notification.Id).Set(1, result.Sent ? now : null).Set(2, result.Error).Execute();
            }

            foreach (var (notification, jobId, status) in states)
            {
                session.Prepare("""
                    INSERT INTO notification_states (notification, job_id, status) VALUES (@p0, @p1, @p2) ON CONFLICT (notification, job_id) DO UPDATE SET status = excluded.status
                    """).Set(0, notification.Id).Set(1, jobId).Set(2, status.ToString()).Execute();
            }
        });
    }

    private static bool Fits(string pattern, string name) => FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: true);

    private static Notification Check(Notification notification)
    {
        var name = notification.Name.Trim();
        if (name.Length == 0)
            throw Invalid(notification, "A notification needs a name.", "Give it one.");
        if (notification.On == NotificationEvents.None)
            throw Invalid(notification, $"The notification '{name}' tells of nothing.", "Name what it tells of: Failure, Block, PartialSuccess, Recovery, Success.");

        var result = notification with { Name = name, Jobs = [.. notification.Jobs.Select(j => j.Trim()).Where(j => j.Length > 0)] };
        result = notification.Kind == NotificationKind.Mail ? CheckMail(result) : CheckAddress(result);
        return result with { Address = Kept(result.Address, Notification.AddressWords), Password = Kept(result.Password, Notification.PasswordWords) };
    }

    private static Notification CheckMail(Notification mail)
    {
        if (string.IsNullOrWhiteSpace(mail.Host) || Uri.CheckHostName(mail.Host) == UriHostNameType.Unknown)
            throw Invalid(mail, $"The notification '{mail.Name}' needs the name of a mail server; '{mail.Host}' is none.", "Give it, for example smtp.example.com.");
        if (mail.Port is < 1 or > 65535)
            throw Invalid(mail, $"{mail.Port} is no port.", $"Mail servers take mail on {Notification.SubmissionPort}, some on 25.");
        if (mail.To.Count == 0)
            throw Invalid(mail, $"The notification '{mail.Name}' has no receiver.", "Give at least one mail address.");
        foreach (var address in mail.To.Append(mail.From ?? string.Empty))
        {
            if (!MailAddress.TryCreate(address, out var parsed) || address.Any(char.IsControl) || parsed.Address.Any(char.IsWhiteSpace))
                throw Invalid(mail, $"'{address}' is no mail address.", "Sender and receivers are given as name@example.com.");
        }

        if ((mail.UserName is null) != (mail.Password is null))
            throw Invalid(mail, $"The notification '{mail.Name}' has a user name without a password, or the other way round.", "Give both or neither.");
        if (mail is { UserName: not null, UseTls: false } && !IsLoopback(mail.Host))
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "InsecureAddress", $"The password for {mail.Host} would be sent without TLS.", mail.Name, "Use TLS, or a server that asks for no password.");
        }

        return mail with { Address = null };
    }

    private static Notification CheckAddress(Notification notification)
    {
        if (notification.Address is null)
            throw Invalid(notification, $"The notification '{notification.Name}' has no address.", "Give the address that is posted to, or the environment variable or file that holds it.");

        // One that is kept elsewhere may be there only for the account that runs the jobs.
        var host = notification.Address.Kind is SecretKind.Memory or SecretKind.Protected ? NotificationSender.AddressOf(notification).Host : string.Empty;
        return notification with { Host = host, Port = 0, UseTls = true, From = null, To = [], UserName = null, Password = null };
    }

    private static bool IsLoopback(string host) => Uri.TryCreate($"smtp://{host}", UriKind.Absolute, out var uri) && uri.IsLoopback;

    private static SecretReference? Kept(SecretReference? secret, string what) => secret is { Kind: SecretKind.Memory } ? SecretReference.Protect(secret.Resolve(what)) : secret;

    private static AlloyScanException Invalid(Notification notification, string message, string advice) => new(ErrorKind.InvalidArgument, "InvalidNotification", message, notification.Name, advice);

    private static void CheckNameIsFree(StoreSession session, Notification notification)
    {
        if (Read(session).Any(n => n.Id != notification.Id && string.Equals(n.Name, notification.Name, StringComparison.OrdinalIgnoreCase)))
            throw new AlloyScanException(ErrorKind.AlreadyExists, "NotificationExists", $"There is a notification '{notification.Name}' already.", notification.Name, "Choose another name, or change it with Set-AlloyScanNotification.");
    }

    private static Statement Bind(Statement statement, Notification n)
    {
        var secret = n.Kind == NotificationKind.Mail ? n.Password : n.Address;
        return statement.Set(0, n.Name).Set(1, n.Kind.ToString()).Set(2, n.Enabled ? 1 : 0).Set(3, (int)n.On).Set(4, JsonConvert.SerializeObject(n.Jobs)).Set(5, n.Host).Set(6, n.Port)
            .Set(7, n.UseTls ? 1 : 0).Set(8, n.From).Set(9, JsonConvert.SerializeObject(n.To)).Set(10, n.UserName).Set(11, secret?.Kind.ToString()).Set(12, secret?.Value);
    }

    private static List<Notification> Read(StoreSession session)
    {
        var result = new List<Notification>();
        using var reader = session.Prepare($"SELECT {Columns} FROM notifications ORDER BY id").Read();
        while (reader.Read())
            result.Add(Read(reader));
        return result;
    }

    private static Notification Read(DbDataReader reader)
    {
        var kind = Enum.Parse<NotificationKind>(reader.GetString(2));
        var secret = reader.Text(12) is { } secretKind ? SecretReference.FromStored(Enum.Parse<SecretKind>(secretKind), reader.GetString(13)) : null;
        return new Notification
        {
            Id = reader.GetInt64(0),
            Name = reader.GetString(1),
            Kind = kind,
            Enabled = reader.GetInt64(3) != 0,
            On = (NotificationEvents)reader.GetInt64(4),
            Jobs = JsonConvert.DeserializeObject<string[]>(reader.GetString(5)) ?? [],
            Host = reader.GetString(6),
            Port = (int)reader.GetInt64(7),
            UseTls = reader.GetInt64(8) != 0,
            From = reader.Text(9),
            To = JsonConvert.DeserializeObject<string[]>(reader.GetString(10)) ?? [],
            UserName = reader.Text(11),
            Address = kind == NotificationKind.Mail ? null : secret,
            Password = kind == NotificationKind.Mail ? secret : null,
            LastSentAt = Clock.Time(reader.Number(14)),
            LastError = reader.Text(15),
        };
    }
}
