using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;
using AlloyScan.Engine.Store;

namespace AlloyScan.Engine.Jobs;

/// <summary>
/// The right to write a target's CMDB: one run at a time. Its number grows with every takeover, and every batch
/// proves in its own transaction that the number is still its own. While it is held, a connection of its own says from
/// time to time that the holder lives, whatever the holder waits for.
/// </summary>
internal sealed class Lease
{
    /// <summary>A lease without heartbeat for this long is free to take.</summary>
    public static readonly TimeSpan Expiry = TimeSpan.FromMinutes(2);

    /// <summary>Time between two heartbeats: several of them may fail before anybody takes the lease over.</summary>
    public static readonly TimeSpan Beat = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(2);

    // What this process holds: one that it could not give back, since the store was out of reach, is free to itself at once.
    private static readonly ConcurrentDictionary<(string Store, string Name, long Number), bool> s_held = new();

    private readonly StoreSession _session;
    private readonly string _name;
    private readonly long _number;
    private readonly Action _stopBeating;
    private volatile bool _lost;

    private Lease(StoreSession session, string name, long number, TimeSpan beat)
    {
        _session = session;
        _name = name;
        _number = number;
        s_held[(session.Place, name, number)] = true;
        var released = new CancellationTokenSource();
        _stopBeating = released.Cancel;
        _ = Task.Run(() => BeatAsync(beat, released.Token));
    }

    public static string NameOf(long targetId) => $"target:{targetId}";

    /// <summary>Takes the lease. A holder whose process has died on this host gives way at once.</summary>
    /// <param name="session">The connection of whoever takes it.</param>
    /// <param name="targetId">The target.</param>
    /// <param name="job">For whom, as others are told.</param>
    /// <param name="beat">Time between two heartbeats, for tests.</param>
    /// <exception cref="AlloyScanException">Another run holds it (<c>JobRunning</c>).</exception>
    public static Lease Acquire(StoreSession session, long targetId, string job, TimeSpan? beat = null)
    {
        var name = NameOf(targetId);
        var (process, started) = Self();
        long number = 0;
        AlloyScanException? held = null;
        session.InTransactionDo(() =>
        {
            using (var reader = session.Prepare($"SELECT number, job, host, process_id, process_started, acquired_at, heartbeat_at, {session.DatabaseNow} FROM leases WHERE name = @p0").Set(0, name).Read())
            {
                if (reader.Read())
                {
                    number = reader.GetInt64(0);
                    var host = reader.GetString(2);
                    var age = TimeSpan.FromMilliseconds(reader.GetInt64(7) - reader.GetInt64(6));
                    var free = reader.GetInt64(3) == 0 || age > Expiry || (host == Environment.MachineName && !IsHeldHere(session, name, number, reader.GetInt32(3), reader.GetInt64(4)));
                    if (!free)
                    {
                        held = new AlloyScanException(
                            ErrorKind.ResourceBusy, "JobRunning",
                            $"The job '{reader.GetString(1)}' is running on {host} (process {reader.GetInt64(3)}) since {Clock.Time(reader.GetInt64(5)):yyyy-MM-dd HH:mm:ss}Z, and only one run at a time may write the CMDB.",
                            job, "Wait for it to end, or stop it, and run again.");
                    }
                }
            }

            if (held is not null)
            {
                // The database's clock was set back: a heartbeat from the future would hold the lease until then. From now on it ages, if its holder is dead.
                session.Prepare($"UPDATE leases SET heartbeat_at = {session.DatabaseNow} WHERE name = @p0 AND heartbeat_at > {session.DatabaseNow}").Set(0, name).Execute();
                return;
            }

            number++;
            session.Prepare($"""
                INSERT INTO leases (name, number, job, host, process_id, process_started, acquired_at, heartbeat_at) VALUES (@p0, @p1, @p2, @p3, @p4, @p5, {session.DatabaseNow}, {session.DatabaseNow})
                ON CONFLICT (name) DO UPDATE SET number = excluded.number, job = excluded.job, host = excluded.host, process_id = excluded.process_id,
                    process_started = excluded.process_started, acquired_at = excluded.acquired_at, heartbeat_at = excluded.heartbeat_at
                """).Set(0, name).Set(1, number).Set(2, job).Set(3, Environment.MachineName).Set(4, process).Set(5, started).Execute();
        });
        return held is null ? new Lease(session, name, number, beat ?? Beat) : throw held;
    }

    /// <summary>Whether a heartbeat found that somebody else holds the lease by now.</summary>
    public bool IsLost => _lost;

    /// <summary>Says that the holder lives, and whether it still holds the lease. Inside a batch this is the proof.</summary>
    public bool Renew() => !_lost && Renew(_session);

    /// <summary>As <see cref="Renew()"/>, by another connection than the run's.</summary>
    public bool RenewBy(StoreSession session) => !_lost && Renew(session);

    /// <summary>As <see cref="Renew()"/>, beside whatever the run's own connection is doing: for the moment before a write outside the store.</summary>
    public bool RenewBeside(CancellationToken cancellationToken)
    {
        using var session = _session.Fork(cancellationToken);
        return Renew(session);
    }

    /// <summary>Gives the lease back; the row and its number stay.</summary>
    public void Release()
    {
        _stopBeating();
        s_held.TryRemove((_session.Place, _name, _number), out _);
        try
        {
            Release(_session);
        }
        catch (AlloyScanException e) when (e.Kind == ErrorKind.ResourceUnavailable)
        {
            // A server that was restarted is there again, with the connection of the run gone: whoever comes next need not wait.
            try
            {
                using var again = _session.Fork(CancellationToken.None);
                Release(again);
            }
            catch (AlloyScanException later) when (later.Kind == ErrorKind.ResourceUnavailable)
            {
                _ = Task.Run(ReleaseLaterAsync);
            }
        }
    }

    /// <summary>Gives the lease back as soon as the store can be reached, so that other hosts need not wait until it expires while this process lives on.</summary>
    private async Task ReleaseLaterAsync()
    {
        for (var since = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(since) < Expiry;)
        {
            await Task.Delay(s_pause).ConfigureAwait(false);
            try
            {
                using var again = _session.Fork(CancellationToken.None);
                Release(again);
                return;
            }
            catch (AlloyScanException)
            {
                // Not yet.
            }
        }
    }

    private void Release(StoreSession session) =>
        session.Prepare("UPDATE leases SET process_id = 0, heartbeat_at = 0 WHERE name = @p0 AND number = @p1").Set(0, _name).Set(1, _number).Execute();

    /// <summary>Renews the lease until it is given back or lost. One that fails is tried again: the store may be locked for a while.</summary>
    private async Task BeatAsync(TimeSpan every, CancellationToken released)
    {
        // By the machine's real time, as the expiry is by the database's.
        using var timer = new PeriodicTimer(every);
        try
        {
            while (await timer.WaitForNextTickAsync(released).ConfigureAwait(false))
            {
                try
                {
                    // A connection for each beat: between two of them nothing is held open.
                    if (!RenewBeside(released))
                    {
                        _lost = true;
                        return;
                    }
                }
                catch (AlloyScanException)
                {
                    // Whoever writes next finds out more.
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Given back.
        }
    }

    private bool Renew(StoreSession session) =>
        session.Prepare($"UPDATE leases SET heartbeat_at = {session.DatabaseNow} WHERE name = @p0 AND number = @p1").Set(0, _name).Set(1, _number).Execute() == 1;

    /// <summary>This process, by its number and start.</summary>
    internal static (int Process, long Started) Self()
    {
        using var self = Process.GetCurrentProcess();
        return (self.Id, StartOf(self));
    }

    private static bool IsHeldHere(StoreSession session, string name, long number, int process, long started) =>
        IsAlive(process, started) && (process != Environment.ProcessId || s_held.ContainsKey((session.Place, name, number)));

    /// <summary>Whether a process of this host is still there.</summary>
    internal static bool IsAlive(int process, long started)
    {
        try
        {
            using var other = Process.GetProcessById(process);
            // The number may have gone to another program since; its start tells. Clocks of process tables are coarse.
            return Math.Abs(StartOf(other) - started) < 2000;
        }
        catch (ArgumentException)
        {
            return false;
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception)
        {
            // It exists and tells us nothing: taken as alive, the expiry decides.
            return true;
        }
    }

    private static long StartOf(Process process) => new DateTimeOffset(process.StartTime).ToUnixTimeMilliseconds();
}
