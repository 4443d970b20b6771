using System.Globalization;
using System.Net;
using System.Text;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Site;
using AlloyScan.Engine.Sync;
using AlloyScan.Engine.Tests.Site;
using FsCheck;
using FsCheck.Fluent;

namespace AlloyScan.Engine.Tests.Sync;

/// <summary>
/// Whatever a device list says wrongly, and whatever device path denies: nothing that is there is marked missing, retired, deleted or
/// stripped of its software, and one healthy run mends what is left. From the bytes of the answers to the rows of the store.
/// </summary>
public sealed class ListFaultLawTests
{
    /// <summary>What is wrong with one answer of the list.</summary>
    public enum Twist
    {
        None, Shift, ShiftBack, Duplicates, DropOne, HalfPage, EmptyPage, NoItems, ItemsAreText, TotalZero, TotalOne, TotalLess, TotalMore, TotalHuge, TotalBeyondNumbers,
        TotalNegative, TotalFraction, TotalText, TotalNull, NoTotal, Html, Cut, EmptyBody, Failure, TooMany, Reversed, FirstPageAgain, LargerPage, NullItem, NamelessItem, NextElsewhere, NextToItself, NextMissing,
    }

    public sealed record Day(IReadOnlyList<Twist> Twists, int Gone, int New);

    public sealed record Case(PagingStyle Style, int Devices, int PageSize, IReadOnlyList<Day> Days)
    {
        public override string ToString() => $"{Style}, {Devices} devices in pages of {PageSize}: {string.Join("; ", Days.Select(d => $"-{d.Gone} +{d.New} {string.Join(' ', d.Twists)}"))}";
    }

    private static Arbitrary<Case> Cases() => (
        from style in Gen.Elements(PagingStyle.Offset, PagingStyle.Offset, PagingStyle.PageNumber, PagingStyle.NextLink)
        from devices in Gen.Choose(12, 40)
        from size in Gen.Choose(3, 20)
        from days in (
            from twists in Gen.Elements(Enum.GetValues<Twist>()).NonEmptyListOf().Select(t => t.Take(8).ToList())
            from gone in Gen.Choose(0, 2)
            from added in Gen.Choose(0, 2)
            select new Day(twists, gone, added)).ListOf(3)
        select new Case(style, devices, size, [.. days])).ToArbitrary();

    [Fact]
    public void No_fault_of_the_list_takes_a_device_for_gone_and_a_healthy_run_mends_all() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(25), Prop.ForAll(Cases(), c =>
        {
            using var faulty = new World(c);
            using var healthy = new World(c);
            faulty.Run();
            healthy.Run();
            foreach (var day in c.Days)
            {
                faulty.Change(day);
                healthy.Change(day);
                faulty.Run(day.Twists);
                faulty.AssertNothingLost();
                healthy.Run();
            }

            // Devices that are gone are marked in one healthy run and retired in the next.
            for (var i = 0; i < 3; i++)
            {
                faulty.Run();
                healthy.Run();
            }

            Assert.Equal(healthy.State(), faulty.State());
        }));

    public static TheoryData<string> Denials => new("all", "every second device", "every second call", "the last half", "all but the first", "another device", "web page", "web page with 404");

    [Theory]
    [MemberData(nameof(Denials))]
    public void A_device_path_that_denies_what_is_listed_does_no_harm(string denial)
    {
        var c = new Case(PagingStyle.Offset, 30, 10, []);
        using var world = new World(c);
        world.Run();
        world.Change(new Day([], 1, 0));
        world.Site.LastSeen++;
        var calls = 0;
        world.Site.Deny = id => denial switch
        {
            "all" => FakeSite.Status(404),
            "every second device" => int.Parse(id.AsSpan(1), CultureInfo.InvariantCulture) % 2 == 0 ? FakeSite.Status(404) : null,
            "every second call" => Interlocked.Increment(ref calls) % 2 == 0 ? FakeSite.Status(404) : null,
            "the last half" => string.CompareOrdinal(id, "d115") >= 0 ? FakeSite.Status(404) : null,
            "all but the first" => id != world.Site.Devices[0] ? FakeSite.Status(404) : null,
            "another device" => FakeSite.Json(FakeSite.DeviceJson(1)),
            "web page" => new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent("<html>", Encoding.UTF8, "text/html") },
            _ => new HttpResponseMessage(HttpStatusCode.NotFound) { Content = new StringContent("<html>", Encoding.UTF8, "text/html") },
        };
        for (var i = 0; i < 3; i++)
        {
            world.Site.LastSeen++;
            world.Run();
            world.AssertNothingLost();
            Assert.Empty(world.Fixture.Rows("SELECT device_id FROM sync_links WHERE state <> 'Live'"));
        }

        world.Site.Deny = _ => null;
        world.Run();
        Assert.Equal("1", world.Fixture.Scalar("SELECT count(*) FROM sync_links WHERE state = 'Missing'"));
        world.AssertNothingLost();
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(false, false)]
    public void A_list_without_a_total_is_complete_only_if_it_says_itself_where_it_ends(bool saysSo, bool complete)
    {
        using var world = new World(new Case(PagingStyle.NextLink, 25, 10, [])) { Site = { WithTotal = false, SaysLast = saysSo } };
        Assert.Equal(complete, world.Run().Complete);
        world.Change(new Day([], 2, 0));
        var run = world.Run();
        Assert.Equal((complete, complete ? 2 : 0), (run.Complete, run.Missing));
        // Another pass shows that the missing total was no slip; a third would show nothing new.
        Assert.Equal(complete ? 3 : 6, world.Site.ListCalls);
    }

    /// <summary>A site, a store that follows it, and the truth about both.</summary>
    private sealed class World(Case c) : IDisposable
    {
        public SyncFixture Fixture { get; } = new(job => job with { MissingDevice = MissingDevice.Retire, RetireAfterRuns = 1, RetireAfterDays = 0, RetiredOriginal = RetiredOriginal.Delete });

        public ListedSite Site { get; } = new(c);

        public SyncRun Run(IReadOnlyList<Twist>? twists = null)
        {
            Site.Begin(twists ?? []);
            using var client = Site.Http.Client(o => o with
            {
                Profile = ApiProfile.Default with { Paging = new ApiPaging { Style = c.Style, PageSize = c.PageSize } },
            });
            return Fixture.Store.Sync.ExecuteAsync(new SyncRequest { Job = Fixture.Job, Source = client }, SilentObserver.Instance, default).GetAwaiter().GetResult();
        }

        public void Change(Day day) => Site.Change(day);

        public void AssertNothingLost()
        {
            var there = Site.Devices.ToHashSet();
            Assert.DoesNotContain(Fixture.Rows("SELECT device_id FROM sync_links WHERE state <> 'Live'"), there.Contains);
            Assert.DoesNotContain(Fixture.Rows("SELECT device_id FROM computers WHERE status = 'Retired'"), there.Contains);
            Assert.DoesNotContain(Fixture.Rows("SELECT c.device_id FROM computers c WHERE (SELECT count(*) FROM discovered_installations i WHERE i.computer_id = c.id) <> 2"), there.Contains);
            Assert.DoesNotContain(Site.Http.Requests, r => r.Method == "DELETE");
        }

        public List<string> State() =>
        [
            .. Fixture.Rows("SELECT device_id, name, serial_number, status, last_seen FROM computers ORDER BY 1"),
            .. Fixture.Rows("SELECT c.device_id, i.name, i.version FROM discovered_installations i JOIN computers c ON c.id = i.computer_id ORDER BY 1, 2"),
            .. Fixture.Rows("SELECT device_id, state FROM sync_links ORDER BY 1"),
            .. Fixture.Rows("SELECT device_id, state FROM sync_conflicts ORDER BY 1"),
        ];

        public void Dispose() => Fixture.Dispose();
    }

    private sealed class ListedSite
    {
        private readonly Case _case;
        private IReadOnlyList<Twist> _twists = [];
        private int _next;
        private int _newest;

        public ListedSite(Case c)
        {
            _case = c;
            _newest = 100 + c.Devices;
            Devices = [.. Enumerable.Range(100, c.Devices).Select(i => $"d{i}")];
            Http = new FakeSite().WithTokens().On("/api/v1/devices", List).OnDefault(Item);
        }

        public FakeSite Http { get; }

        public List<string> Devices { get; private set; }

        public int LastSeen { get; set; } = 1;

        public bool WithTotal { get; set; } = true;

        public bool SaysLast { get; set; } = true;

        public int ListCalls { get; private set; }

        public Func<string, HttpResponseMessage?> Deny { get; set; } = _ => null;

        public void Begin(IReadOnlyList<Twist> twists)
        {
            _twists = twists;
            _next = 0;
            ListCalls = 0;
        }

        public void Change(Day day)
        {
            // Only of the first ones: a device that came and went behind a fault was never there for a run.
            for (var i = 0; i < day.Gone; i++)
                Devices.RemoveAt(0);
            for (var i = 0; i < day.New; i++)
                Devices.Insert(Devices.Count / 2, $"d{_newest++}");
        }

        private HttpResponseMessage Item(SeenRequest request)
        {
            var id = request.Path.Split('/')[^1];
            var number = id[1..];
            if (request.Path.Contains("/snapshots/", StringComparison.Ordinal))
            {
                return FakeSite.Json($$"""
                    {"id":"{{id}}","deviceId":"d{{number}}","auditDate":"2026-01-01T00:00:00Z","operatingSystem":{"platform":"Windows"},
                     "software":[{"name":"Editor","version":"1"},{"name":"Tool {{number}}","version":"2"}]}
                    """);
            }

            return Deny(id) ?? (Devices.Contains(id) ? FakeSite.Json(Row(id, detail: true)) : FakeSite.Status(404));
        }

        private string Row(string id, bool detail = false) =>
            $$"""{"id":"{{id}}","name":"PC-{{id}}","serialNumber":"S/N {{id}}","type":"computer","lastSeen":"2026-01-01T0{{LastSeen}}:00:00Z"{{(detail ? $",\"auditId\":\"s{id[1..]}\",\"osPlatform\":\"Windows\"" : string.Empty)}}}""";

        private HttpResponseMessage List(SeenRequest request)
        {
            ListCalls++;
            var twist = _twists.Count == 0 ? Twist.None : _twists[_next++ % _twists.Count];
            var offset = _case.Style == PagingStyle.PageNumber ? (request.Number("page", 1) - 1) * _case.PageSize : request.Number("offset", 0);
            offset = Math.Max(0, twist switch { Twist.Shift => offset == 0 ? 0 : offset + 1, Twist.ShiftBack => offset - 1, Twist.FirstPageAgain => 0, _ => offset });
            var items = Devices.Skip(offset).Take(_case.PageSize * (twist == Twist.LargerPage ? 3 : 1)).Select(id => Row(id)).ToList();
            var end = offset + items.Count;
            var next = end < Devices.Count ? $"\"/api/v1/devices?limit={_case.PageSize}&offset={end}\"" : SaysLast ? "null" : null;
            switch (twist)
            {
                case Twist.Duplicates:
                    items.AddRange(items.Take(2).ToList());
                    break;
                case Twist.DropOne when items.Count > 0:
                    items.RemoveAt(items.Count / 2);
                    break;
                case Twist.HalfPage:
                    items.RemoveRange(items.Count / 2, items.Count - (items.Count / 2));
                    break;
                case Twist.EmptyPage:
                    items.Clear();
                    break;
                case Twist.Reversed:
                    items.Reverse();
                    break;
                case Twist.NullItem when items.Count > 0:
                    items[0] = "null";
                    break;
                case Twist.NamelessItem when items.Count > 0:
                    items[^1] = """{"name":"nobody"}""";
                    break;
                case Twist.NextElsewhere when next is not "null" and not null:
                    next = "\"https://elsewhere.example/api/v1/devices?offset=" + end + "\"";
                    break;
                case Twist.NextToItself:
                    next = "\"" + request.Uri.PathAndQuery + "\"";
                    break;
                case Twist.NextMissing:
                    next = null;
                    break;
                case Twist.Html:
                    return new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent("<!DOCTYPE html><title>Sign in</title>", Encoding.UTF8, "text/html") };
                case Twist.EmptyBody:
                    return FakeSite.Json(string.Empty);
                case Twist.Failure:
                    return FakeSite.Status(503, "upstream connect error");
                case Twist.TooMany:
                    return FakeSite.Status(429);
            }

            var total = twist switch
            {
                Twist.TotalZero => "0",
                Twist.TotalOne => "1",
                Twist.TotalLess => (Devices.Count - 1).ToString(CultureInfo.InvariantCulture),
                Twist.TotalMore => (Devices.Count + 5).ToString(CultureInfo.InvariantCulture),
                Twist.TotalHuge => "2147483647",
                Twist.TotalBeyondNumbers => "99999999999999999999999",
                Twist.TotalNegative => "-1",
                Twist.TotalFraction => "1.5e1",
                Twist.TotalText => "\"many\"",
                Twist.TotalNull => "null",
                _ => Devices.Count.ToString(CultureInfo.InvariantCulture),
            };
            var fields = new List<string> { twist switch { Twist.NoItems => "\"rows\":[]", Twist.ItemsAreText => "\"items\":\"none\"", _ => $"\"items\":[{string.Join(',', items)}]" } };
            if (WithTotal && twist != Twist.NoTotal)
                fields.Add("\"total\":" + total);
            if (_case.Style == PagingStyle.NextLink && next is not null)
                fields.Add("\"next\":" + next);
            var body = $"{{{string.Join(',', fields)}}}";
            return FakeSite.Json(twist == Twist.Cut ? body[..(body.Length / 2)] : body);
        }
    }
}
