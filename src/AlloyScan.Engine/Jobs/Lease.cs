using System.ComponentModel;
using System.Diagnostics;
using AlloyScan.Engine.Store;

namespace AlloyScan.Engine.Jobs;

/// <summary>
/// The right to write a target's CMDB: one run at a time. Its number grows with every takeover, and every batch
/// proves in its own transaction that the number is still its own.
/// </summary>
internal sealed class Lease
{
    /// <summary>A lease without heartbeat for this long is free to take.</summary>
    public static readonly TimeSpan Expiry = TimeSpan.FromMinutes(2);

    private readonly StoreSession _session;
    private readonly string _name;
    private readonly long _number;
    private readonly TimeProvider _timeProvider;

    private Lease(StoreSession session, string name, long number, TimeProvider timeProvider)
    {
        _timeProvider = timeProvider;
        RenewedAt = timeProvider.GetTimestamp();
        _session = session;
        _name = name;
        _number = number;
    }

    public static string NameOf(long targetId) => $"target:{targetId}";

    /// <summary>Time stamp of the last heartbeat by the process's own clock, for deciding when the next is due.</summary>
    public long RenewedAt { get; private set; }

    /// <summary>Takes the lease. A holder whose process has died on this host gives way at once.</summary>
    /// <exception cref="AlloyScanException">Another run holds it (<c>JobRunning</c>).</exception>
    public static Lease Acquire(StoreSession session, long targetId, string job, TimeProvider timeProvider)
    {
        var name = NameOf(targetId);
        var (process, started) = Self();
        long number = 0;
        session.InTransactionDo(() =>
        {
            using (var reader = session.Prepare($"SELECT number, job, host, process_id, process_started, acquired_at, heartbeat_at, {session.DatabaseNow} FROM leases WHERE name = @p0").Set(0, name).Read())
            {
                if (reader.Read())
                {
                    number = reader.GetInt64(0);
                    var host = reader.GetString(2);
                    var age = TimeSpan.FromMilliseconds(reader.GetInt64(7) - reader.GetInt64(6));
                    var free = reader.GetInt64(3) == 0 || age > Expiry || (host == Environment.MachineName && !IsAlive(reader.GetInt32(3), reader.GetInt64(4)));
                    if (!free)
                    {
                        throw new AlloyScanException(
                            ErrorKind.ResourceBusy, "JobRunning",
                            $"The job '{reader.GetString(1)}' is running on {host} (process {reader.GetInt64(3)}) since {Clock.Time(reader.GetInt64(5)):yyyy-MM-dd HH:mm:ss}Z, and only one run at a time may write the CMDB.",
                            job, "Wait for it to end, or stop it, and run again.");
                    }
                }
            }

            number++;
            session.Prepare($"""
                INSERT INTO leases (name, number, job, host, process_id, process_started, acquired_at, heartbeat_at) VALUES (@p0, @p1, @p2, @p3, @p4, @p5, {session.DatabaseNow}, {session.DatabaseNow})
                ON CONFLICT (name) DO UPDATE SET number = excluded.number, job = excluded.job, host = excluded.host, process_id = excluded.process_id,
                    process_started = excluded.process_started, acquired_at = excluded.acquired_at, heartbeat_at = excluded.heartbeat_at
                """).Set(0, name).Set(1, number).Set(2, job).Set(3, Environment.MachineName).Set(4, process).Set(5, started).Execute();
        });
        return new Lease(session, name, number, timeProvider);
    }

    /// <summary>Says that the holder lives, and whether it still holds the lease. Inside a batch this is the proof.</summary>
    public bool Renew()
    {
        RenewedAt = _timeProvider.GetTimestamp();
        return _session.Prepare($"UPDATE leases SET heartbeat_at = {_session.DatabaseNow} WHERE name = @p0 AND number = @p1").Set(0, _name).Set(1, _number).Execute() == 1;
    }

    /// <summary>Gives the lease back; the row and its number stay.</summary>
    public void Release()
    {
        try
        {
            Release(_session);
        }
        catch (AlloyScanException e) when (e.Kind == ErrorKind.ResourceUnavailable)
        {
            // A server that was restarted is there again, with the connection of the run gone: whoever comes next need not wait.
            using var again = _session.Anew();
            Release(again);
        }
    }

    private void Release(StoreSession session) =>
        session.Prepare("UPDATE leases SET process_id = 0, heartbeat_at = 0 WHERE name = @p0 AND number = @p1").Set(0, _name).Set(1, _number).Execute();

    /// <summary>This process, by its number and start.</summary>
    internal static (int Process, long Started) Self()
    {
        using var self = Process.GetCurrentProcess();
        return (self.Id, StartOf(self));
    }

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
