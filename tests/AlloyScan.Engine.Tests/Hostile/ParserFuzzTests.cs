using System.Net;
using System.Text;
using AlloyScan.AutomationServer;
using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Site;
using AlloyScan.Engine.Site.Transport;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync.Identify;
using AlloyScan.Engine.Tests.AutomationServer;
using AlloyScan.Engine.Tests.Site;
using AlloyScan.Engine.Tests.Sync;

namespace AlloyScan.Engine.Tests.Hostile;

/// <summary>Whatever is read from others, a person's file or a site's answer: it is understood, tolerated, or refused with an ID and in words.</summary>
public sealed class ParserFuzzTests
{
    private const string List = """{"items":[{"id":"d1","name":"PC1","dnsName":"pc1.example","macAddress":"00:11:22:33:44:55","ipAddress":"10.0.0.1","serialNumber":"S1","assetTag":null,"type":"computer","lastSeen":"2026-04-23T12:34:56Z","tags":[{"id":"t1","name":"Blue"}]},{"id":"d2","name":"PC2","tags":["x"]}],"total":2,"next":null}""";
    private const string Detail = """{"id":"d1","name":"PC1","auditId":"a1","auditDate":"2026-04-23T12:34:56Z","auditSource":"agent","osPlatform":"Windows","lastSeen":"2026-04-23T12:34:56Z","tags":[]}""";
    private const string Catalog = """{"items":[{"id":"p1","name":"Editor","version":"1.0","publisher":"V","softwareGroup":"Required","installations":3}],"total":1}""";
    private const string Token = """{"access_token":"tok-123456789","token_type":"Bearer","expires_in":3600,"scope":"all"}""";
    private const string Error = """{"error":"bad_request","message":"No such thing","error_description":"d","details":[{"code":1}]}""";

    private static readonly string s_job = JobJson();

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 4)];

    private static string JobJson()
    {
        using var fixture = new SyncFixture(job => job with
        {
            TypeMap = new Dictionary<string, RecordClass> { ["Thin client"] = RecordClass.Computer }, ApiProfile = """{"scope":"inventory"}""", ImportSoftware = SoftwarePlatforms.Linux,
        });
        fixture.Store.JunkIdentifiers.Add(IdentificationAttribute.SerialNumber, "NONE-OF-YOURS", "a note");
        return fixture.Store.Jobs.Export("HQ");
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Answers_of_a_site(int seed)
    {
        var mutation = new Mutation(seed);
        byte[] body = [];
        var status = HttpStatusCode.OK;
        HttpResponseMessage Answer(SeenRequest request)
        {
            var answer = new HttpResponseMessage(status) { Content = new ByteArrayContent(body) };
            answer.Content.Headers.TryAddWithoutValidation("Content-Type", "application/json");
            return answer;
        }

        var site = new FakeSite().WithTokens().OnDefault(Answer);
        using var client = site.Client(o => o with { Profile = ApiProfile.Default with { Paging = new ApiPaging { PageSize = 2 } } });
        var tokens = new FakeSite().OnDefault(Answer);
        using var stranger = tokens.Client();
        for (var round = 0; round < 250; round++)
        {
            var (json, kind) = mutation.Pick<(string, int)>([(List, 0), (Detail, 1), (SiteClientReadingTests.SnapshotJson, 2), (Catalog, 3), (Token, 4), (Error, 5)]);
            body = mutation.Bytes(json);
            status = kind == 5 || mutation.Below(6) == 0 ? mutation.Pick<HttpStatusCode>([HttpStatusCode.BadRequest, HttpStatusCode.Forbidden, HttpStatusCode.NotFound, HttpStatusCode.InternalServerError, (HttpStatusCode)299, (HttpStatusCode)418]) : HttpStatusCode.OK;
            await ExpectAsync(seed, round, body, async () =>
            {
                switch (kind)
                {
                    case 0:
                        await foreach (var page in client.ReadDevicePagesAsync(default))
                        {
                            Assert.All(page.Devices, d => AssertStorable(d.Id, d.Name, d.DnsName, d.SerialNumber, d.Type));
                            if (page.Offset > 20)
                                break;
                        }

                        break;
                    case 1:
                        await client.ReadDeviceAsync("d1", default);
                        break;
                    case 2:
                        var snapshot = await client.ReadSnapshotAsync("a1", default);
                        foreach (var row in snapshot?.Software ?? [])
                            AssertStorable(row.Name, row.Version, row.Publisher);
                        foreach (var (name, value) in snapshot?.Custom ?? new Dictionary<string, string?>())
                            AssertStorable(name, value);
                        break;
                    case 3:
                        await foreach (var product in client.ReadSoftwareAsync(null, default))
                        {
                            if (product.Id.Length > 5)
                                break;
                        }

                        break;
                    case 4:
                        await stranger.AuthenticateAsync(default);
                        break;
                    default:
                        await client.TestAsync(default);
                        await client.ReadDeviceAsync("d1", default);
                        break;
                }
            });
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Job_files(int seed)
    {
        var mutation = new Mutation(seed);
        using var fixture = new SyncFixture();
        for (var round = 0; round < 100; round++)
        {
            var text = mutation.Below(3) == 0 ? mutation.Text(s_job) : mutation.Json(s_job);
            Expect(seed, round, text, () =>
            {
                foreach (var part in SyncJobs.SplitExports(text))
                    fixture.Store.Jobs.Import(part, new JobImportOptions { Name = $"Job {seed} {round}" });
            });
        }

        // Whatever came in can be listed and taken out again.
        foreach (var job in fixture.Store.Jobs.List())
            Assert.NotEmpty(fixture.Store.Jobs.Export(job.Name));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Api_profiles(int seed)
    {
        var mutation = new Mutation(seed);
        var json = (ApiProfile.Default with { Scope = "a b" }).ToJson();
        for (var round = 0; round < 800; round++)
        {
            var text = mutation.Below(3) == 0 ? mutation.Text(json) : mutation.Json(json);
            Expect(seed, round, text, () =>
            {
                var profile = ApiProfile.Parse(text);
                Assert.Equal(profile.ToJson(), ApiProfile.Parse(profile.ToJson()).ToJson());
                using var client = new FakeSite().Client(o => o with { Profile = profile });
            });
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Mappings_templates_and_rule_conditions(int seed)
    {
        var mutation = new Mutation(seed);
        using var fixture = new SyncFixture();
        for (var round = 0; round < 200; round++)
        {
            var mapping = mutation.Text(mutation.Pick<string>(["asset_tag = custom.AssetNo UnlessEdited", "dns_name = {name}.{ci.serial_number}", "user_name = \"IT \"\"x\"\"\" Always AllowEmpty"]));
            Expect(seed, round, mapping, () =>
            {
                var parsed = FieldMapping.Parse(mapping);
                _ = MappingTemplate.Parse(parsed.Template ?? mapping, out _);
                _ = parsed.ToString();
                fixture.Store.ServiceActions.Create(new ServiceAction { Name = $"Action {round}", Class = RecordClass.Computer, Kind = ServiceActionKind.Update, Mappings = [parsed] });
            });
            var condition = mutation.Text(mutation.Pick<string>(["SerialNumber matches", "MAC does not equal", "Name equals"]));
            Expect(seed, round, condition, () => RuleCondition.Parse(condition));
            Expect(seed, round, condition, () => RuleCondition.Parse(condition, mutation.Absurd()));
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Identifiers_junk_type_maps_and_patterns(int seed)
    {
        var mutation = new Mutation(seed);
        using var fixture = new SyncFixture();
        for (var round = 0; round < 60; round++)
        {
            var text = mutation.Text(mutation.Pick<string>(["00:11:22:33:44:55", "6F9619FF-8B86-D011-B42D-00C04FC964FF", "To be filled by O.E.M.", "pc-1.example", "2026-01-31"]));
            Expect(seed, round, text, () =>
            {
                _ = (Identifiers.SerialNumber(text), Identifiers.AssetTag(text), Identifiers.Name(text), Identifiers.MacAddress(text, out _), Identifiers.BiosUuid(text));
                _ = AlloyScan.Engine.Site.Reading.IsoTime.TryParse(text, out _);
                _ = fixture.Store.Cmdb.Computers(new RecordFilter { Name = text }).ToList();
                _ = fixture.Store.Cmdb.Products(text, text).ToList();
                _ = fixture.Store.Jobs.List(text);
                _ = fixture.Store.JunkIdentifiers.List(valuePattern: text).ToList();
            });
            Expect(seed, round, text, () => fixture.Store.JunkIdentifiers.Add(mutation.Pick(Enum.GetValues<IdentificationAttribute>()), text, mutation.Absurd()));
            Expect(seed, round, text, () => fixture.Store.Jobs.Update(fixture.Store.Jobs.Get("HQ") with { TypeMap = new Dictionary<string, RecordClass> { [text] = RecordClass.Hardware } }));
            Expect(seed, round, text, () => fixture.Store.Jobs.Create(fixture.Job with { Id = 0, Name = text }));
            Expect(seed, round, text, () => fixture.Store.IdentificationRules.Create(new IdentificationRule { Name = text, Class = RecordClass.Computer, Conditions = [RuleCondition.Parse("Name equals")] }));
        }

        Assert.NotEmpty(fixture.Store.Jobs.List());
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Site_addresses_and_places_of_stores_and_secrets(int seed)
    {
        var mutation = new Mutation(seed);
        for (var round = 0; round < 800; round++)
        {
            var text = mutation.Text(mutation.Pick<string>(["https://acme.alloyservice.example/main", "http://127.0.0.1:8080/", "https://u:p@host/x", "/var/lib/store.db", "Host=h;Password=p", "postgres://u:p@h/d"]));
            if (Uri.TryCreate(text, UriKind.RelativeOrAbsolute, out var uri))
            {
                Expect(seed, round, text, () =>
                {
                    var address = SiteAddress.Parse(uri);
                    Assert.True(address.SiteUrl.Scheme == Uri.UriSchemeHttps || address.SiteUrl.IsLoopback);
                    Assert.Equal(new Uri(address.Origin).Authority, new Uri(address.Url("/api/v1/devices/{id}", mutation.Absurd() + "x")).Authority);
                });
            }

            Expect(seed, round, text, () => StoreLocation.Resolve(text));
            Expect(seed, round, text, () =>
            {
                if (!string.IsNullOrWhiteSpace(text))
                    SecretReference.FromFile(text).Resolve();
            });
            Expect(seed, round, text, () => SecretReference.FromStored(SecretKind.Protected, text).Resolve());
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Retry_after_of_any_kind_is_a_wait_or_none(int seed)
    {
        var mutation = new Mutation(seed);
        for (var round = 0; round < 60; round++)
        {
            var header = mutation.Text(mutation.Pick<string>(["3", "Wed, 21 Oct 2026 07:28:00 GMT", "99999999999999", "-5", "0"]));
            var site = new FakeSite().WithTokens().OnEach(
                "/api/v1/devices/d1",
                _ =>
                {
                    var answer = FakeSite.Status(429);
                    answer.Headers.TryAddWithoutValidation("Retry-After", header.ReplaceLineEndings(string.Empty).Replace("\0", string.Empty, StringComparison.Ordinal));
                    return answer;
                },
                _ => FakeSite.Json(FakeSite.DeviceJson(1)));
            using var client = site.Client();
            Expect(seed, round, header, () => client.ReadDeviceAsync("d1", default).WaitAsync(TimeSpan.FromSeconds(30)).GetAwaiter().GetResult());
            Assert.All(site.Time.Waits, wait => Assert.InRange(wait, TimeSpan.Zero, TimeSpan.FromMinutes(10)));
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Command_lines(int seed)
    {
        var mutation = new Mutation(seed);
        using var folder = new TemporaryFolder();
        string[] words = ["run", "jobs", "runs", "verify", "--store", folder.File("none.db"), "--json", "--verbose", "--full", "--what-if", "--max-api-calls", "5", "--limit", "0", "--site-url", "http://127.0.0.1:9/", "--client-id", "c", "--client-secret-env", "NONE_SUCH_VARIABLE", "--software", "windows", "--throttle-limit", "4", "--name", "x"];
        int[] codes = [ExitCode.Done, ExitCode.Partial, 3, ExitCode.Failed, ExitCode.Canceled, ExitCode.Usage];
        for (var round = 0; round < 120; round++)
        {
            // Never a name that could be a store of this machine.
            string[] args = [mutation.Pick<string>(["run", "jobs", "runs", "verify"]), .. Enumerable.Range(0, mutation.Below(6)).Select(_ => mutation.Below(4) == 0 ? mutation.Absurd() : mutation.Pick(words)), "--store", folder.File("none.db")];
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            try
            {
                var run = await ProgramRun.Of(patience.Token, args);
                Assert.Contains(run.ExitCode, codes);
                Assert.DoesNotContain('\u001b', run.All);
                Assert.DoesNotContain("Exception", run.Error.Replace("AlloyScanException", string.Empty, StringComparison.Ordinal).Split("   at ")[0], StringComparison.Ordinal);
            }
            catch (Exception e)
            {
                Assert.Fail($"Seed {seed}, round {round}: {string.Join(' ', args)[..Math.Min(500, string.Join(' ', args).Length)]}\n{e}");
            }
        }
    }

    /// <summary>What every store can hold as it is.</summary>
    private static void AssertStorable(params string?[] texts)
    {
        foreach (var text in texts)
        {
            Assert.DoesNotContain('\0', text ?? string.Empty);
            Assert.Equal(text, text is null ? null : Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)));
        }
    }

    private static void Expect(int seed, int round, string text, Action parse)
    {
        try
        {
            parse();
        }
        catch (AlloyScanException e)
        {
            AssertClear(e, seed, round);
        }
        catch (Exception e)
        {
            Assert.Fail($"Seed {seed}, round {round}: {e}\n{(text.Length > 2000 ? text[..2000] : text)}");
        }
    }

    private static async Task ExpectAsync(int seed, int round, byte[] body, Func<Task> read)
    {
        try
        {
            await read().WaitAsync(TimeSpan.FromSeconds(60));
        }
        catch (AlloyScanException e)
        {
            AssertClear(e, seed, round);
        }
        catch (Exception e)
        {
            Assert.Fail($"Seed {seed}, round {round}: {e}\n{Encoding.UTF8.GetString(body)[..Math.Min(2000, Encoding.UTF8.GetString(body).Length)]}");
        }
    }

    private static void AssertClear(AlloyScanException e, int seed, int round)
    {
        var where = $"Seed {seed}, round {round}: {e}";
        Assert.True(e.ErrorId.Length > 3, where);
        Assert.True(e.Message.Length > 10, where);
        Assert.True(e.Kind != ErrorKind.Unspecified, where);
        Assert.DoesNotContain('\u001b', e.Message);
    }
}
