namespace AlloyScan.SampleSite;

/// <summary>One software row: a product in one of its releases; odd ones are <see cref="SoftwareLists.Repeated"/> or <see cref="SoftwareLists.Nameless"/>.</summary>
internal readonly record struct SoftwareEntry(SoftwareProduct Product, int Release, int InstalledOn, int Oddity = 0);

/// <summary>Works out the software of a computer: a choice from its pool, then the changes of each day.</summary>
internal sealed class SoftwareLists(DeviceHistory history, SoftwareCatalog catalog, SampleSiteOptions options)
{
    /// <summary>Software of day 0 was installed within this many days before.</summary>
    public const int OldestInstallation = 900;

    /// <summary>The row before once more, in other letters.</summary>
    public const int Repeated = 1;

    /// <summary>A row without a name.</summary>
    public const int Nameless = 2;

    private const sbyte Absent = -1;

    private readonly ulong _junk = Hash.Threshold(options.JunkRate);

    /// <summary>Calls back for each row, in order of the pool.</summary>
    public void Visit<TState>(in DeviceState device, ref TState state, VisitEntry<TState> visit)
        where TState : allows ref struct
    {
        if (!device.HasSoftware)
            return;

        // The pool is that of the first system: an upgrade in place keeps what is installed.
        var pool = catalog.Pool(FirstPool(device));
        var products = pool.Products;
        Span<sbyte> releases = stackalloc sbyte[products.Length];
        Span<short> dates = stackalloc short[products.Length];
        Choose(device, pool, releases, dates);
        for (var day = device.BornOn + 1; day <= device.ChangedOn; day++)
        {
            if (history.EventOn(device, day, out var detail) == SampleChange.Software)
                Change(device, day, detail, products, releases, dates);
        }

        var junk = Hash.Of(device.Key, Trait.SoftwareJunk);
        var odd = Hash.Chance(junk, _junk) ? 1 + Hash.Pick(junk, 2) : 0;
        for (var i = 0; i < products.Length; i++)
        {
            if (releases[i] == Absent)
                continue;

            visit(new SoftwareEntry(products[i], releases[i], dates[i]), ref state);
            if (odd != 0)
            {
                visit(new SoftwareEntry(products[i], releases[i], dates[i] - (odd == Repeated ? 40 : 0), odd), ref state);
                odd = 0;
            }
        }
    }

    private static string FirstPool(in DeviceState device) => device.System!.SoftwarePool;

    private static void Choose(in DeviceState device, SoftwarePool pool, Span<sbyte> releases, Span<short> dates)
    {
        var key = Hash.Of(device.Key, Trait.Software);
        var detailKey = Hash.Of(device.Key, Trait.SoftwareDetail);
        var thresholds = pool.Thresholds(key);
        var host = device.Machine.Model.Host;
        ulong rolls = 0;
        for (var i = 0; i < releases.Length; i++)
        {
            // Four rolls from one hash.
            rolls = (i & 3) == 0 ? Hash.Mix(key ^ (uint)i) : rolls >> 16;
            var needed = pool.Products[i].Host;
            if ((rolls & 0xFFFF) >= thresholds[i] || (host & needed) != needed)
            {
                releases[i] = Absent;
                continue;
            }

            var hash = Hash.Mix(detailKey ^ (uint)i);
            releases[i] = (sbyte)Math.Min(pool.Products[i].Versions.Length - 1, FirstRelease((int)(hash & 0xFF)));
            dates[i] = (short)(device.BornOn - Hash.Pick(hash, device.BornOn == 0 ? OldestInstallation : 1));
        }
    }

    /// <summary>Most have the newest release, some lag behind.</summary>
    private static int FirstRelease(int roll) => roll switch
    {
        < 115 => 5,
        < 180 => 4,
        < 210 => 3,
        < 230 => 2,
        < 245 => 1,
        _ => 0,
    };

    private static void Change(in DeviceState device, int day, ulong detail, SoftwareProduct[] products, Span<sbyte> releases, Span<short> dates)
    {
        var kind = (detail & 0xFF) switch { < 110 => SoftwareChange.Upgrade, < 200 => SoftwareChange.Add, _ => SoftwareChange.Remove };
        var wanted = 1 + (int)((detail >> 8) % (kind == SoftwareChange.Upgrade ? 6U : 3U));

        // Beginning somewhere in the pool, the first products that it can be done to.
        var start = Hash.Pick(detail, products.Length);
        for (var step = 0; step < products.Length && wanted > 0; step++)
        {
            var i = (start + (step * 7)) % products.Length;
            var present = releases[i] != Absent;
            switch (kind)
            {
                case SoftwareChange.Upgrade when present && releases[i] < products[i].Versions.Length - 1:
                    releases[i]++;
                    break;
                case SoftwareChange.Add when !present && (device.Machine.Model.Host & products[i].Host) == products[i].Host:
                    releases[i] = (sbyte)Math.Min(products[i].Versions.Length - 1, SoftwareProduct.ReleasesAtStart - 1);
                    break;
                case SoftwareChange.Remove when present:
                    releases[i] = Absent;
                    break;
                default:
                    continue;
            }

            dates[i] = (short)day;
            wanted--;
        }
    }

    private enum SoftwareChange
    {
        Upgrade,
        Add,
        Remove,
    }
}

internal delegate void VisitEntry<TState>(in SoftwareEntry entry, ref TState state)
    where TState : allows ref struct;
