using System.Net;
using System.Text;
using System.Text.Json;
using AlloyScan.Engine.Site;
using AlloyScan.Engine.Site.OpenApi;
using AlloyScan.Engine.Tests.Hostile;
using AlloyScan.Engine.Tests.SampleSite;
using AlloyScan.SampleSite;
using Newtonsoft.Json.Linq;

namespace AlloyScan.Engine.Tests.Site;

/// <summary>Profiles that are derived from OpenAPI documents: of the sample site, of other releases, and of whoever means harm.</summary>
public sealed class OpenApiProfileTests
{
    /// <summary>Another release: other paths, pages by number, other names, parts put together from others.</summary>
    private const string Other = """
        {
          "openapi": "3.1.0", "info": { "title": "Inventory", "version": "3" },
          "servers": [ { "url": "https://eu.site.example/rest/v3/" } ],
          "paths": {
            "/oauth2/token": { "post": { "responses": { "200": { "description": "OK" } } } },
            "/computers": { "get": { "parameters": [ { "name": "page_size", "in": "query", "schema": { "type": "integer", "maximum": 100 } }, { "$ref": "#/components/parameters/Page" }, { "name": "api-version", "in": "query", "required": true, "schema": { "type": "string" } } ],
              "responses": { "200": { "description": "OK", "content": { "application/json": { "schema": { "type": "object", "properties": { "data": { "type": "array", "items": { "$ref": "#/components/schemas/Row" } }, "meta": { "type": "object", "properties": { "total_count": { "type": "integer" } } } } } } } } } } },
            "/computers/{computerId}": {
              "get": { "responses": { "200": { "description": "OK", "content": { "application/json": { "schema": { "allOf": [ { "$ref": "#/components/schemas/Row" }, { "type": "object", "properties": { "last_snapshot_id": { "type": "string" } } } ] } } } } } },
              "delete": { "responses": { "204": { "description": "Gone" } } } },
            "/computers/{computerId}/audits": { "get": { "responses": { "200": { "description": "OK" } } } },
            "/audits/{auditId}": { "get": { "responses": { "200": { "description": "OK", "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Audit" } } } } } } }
          },
          "components": {
            "parameters": { "Page": { "name": "page", "in": "query", "schema": { "type": "integer", "minimum": 0 } } },
            "schemas": {
              "Row": { "type": "object", "properties": { "id": { "type": "string" }, "computerName": { "type": "string" }, "serial": { "type": "string" }, "network": { "type": "object", "properties": { "mac_address": { "type": "string" } } }, "parent": { "$ref": "#/components/schemas/Row" } } },
              "Audit": { "type": "object", "properties": { "id": { "type": "string" }, "hw": { "type": "object", "properties": { "smbios.v3": { "type": "object", "properties": { "bios_uuid": { "type": "string" } } }, "serialNumber": { "type": "string" } } }, "installed_software": { "type": "array", "items": { "type": "object", "properties": { "title": { "type": "string" }, "version": { "type": "string" } } } } } }
            }
          }
        }
        """;

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 4)];

    [Fact]
    public async Task The_document_of_the_sample_site_gives_the_documented_profile_back()
    {
        await using var site = await SampleSiteHost.StartAsync(new SampleSiteOptions { Devices = 5 });

        var derived = OpenApiProfile.Derive(await OpenApiProfile.DownloadAsync(new Uri(site.BaseUrl, "openapi.json"), site.SiteUrl, default), site.SiteUrl);

        Assert.Equal(ApiProfile.Default.ToJson(), derived.Profile.ToJson());
        Assert.Empty(derived.Remarks);
        Assert.Equal(["envelope.nextLink"], derived.Checks.Where(c => c.Verdict != LocationVerdict.Found).Select(c => $"{c.Section}.{c.Field}"));
    }

    [Fact]
    public async Task A_site_with_other_paths_is_read_on_the_profile_of_its_document_and_on_no_other()
    {
        await using var site = await SampleSiteHost.StartAsync(new SampleSiteOptions { Devices = 30, ApiPath = "/rest/inventory/v3", TokenPath = "/rest/token" });
        var derived = OpenApiProfile.Derive(await OpenApiProfile.DownloadAsync(new Uri(site.BaseUrl, "openapi.json"), site.SiteUrl, default), site.SiteUrl);

        Assert.Equal(("/rest/token", "/rest/inventory/v3/devices", "/rest/inventory/v3/snapshots/{id}"), (derived.Profile.Paths.Token, derived.Profile.Paths.Devices, derived.Profile.Paths.Snapshot));
        Assert.Equal(7, derived.Checks.Count(c => c.Verdict == LocationVerdict.Guessed));
        using var client = new SiteClient(new SiteConnectionOptions { SiteUrl = site.SiteUrl, ClientId = site.ClientId, ClientSecret = new Credentials.Secret(site.ClientSecret), Profile = ApiProfile.Parse(derived.Profile.ToJson()) });
        var test = await client.TestProfileAsync(default);
        Assert.True(test.Passed, test.Message);

        using var documented = new SiteClient(client.Options with { Profile = ApiProfile.Default });
        Assert.False((await documented.TestProfileAsync(default)).Passed);
    }

    [Fact]
    public async Task What_the_sample_site_answers_is_what_its_document_says()
    {
        await using var site = await TestSite.StartAsync(new SampleSiteOptions { Devices = 40 });
        var document = JObject.Parse(await site.Http.GetStringAsync(new Uri("/openapi.json", UriKind.Relative)));
        var token = await site.GetAsync("/api/v1/devices?limit=40");
        var devices = token.GetProperty("items").EnumerateArray().Select(d => d.GetProperty("id").GetString()!).ToList();
        await CheckAsync("/api/v1/devices", "/api/v1/devices?limit=40");
        await CheckAsync("/api/v1/software", "/api/v1/software?limit=20");
        foreach (var id in devices)
        {
            await CheckAsync("/api/v1/devices/{id}", $"/api/v1/devices/{id}");
            await CheckAsync("/api/v1/devices/{id}/snapshots", $"/api/v1/devices/{id}/snapshots");
            var detail = await site.GetAsync($"/api/v1/devices/{id}");
            if (detail.TryGetProperty("auditId", out var audit) && audit.GetString() is { } snapshot)
                await CheckAsync("/api/v1/snapshots/{id}", $"/api/v1/snapshots/{snapshot}");
        }

        async Task CheckAsync(string path, string address)
        {
            var answer = await site.GetAsync(address);
            Describes(document["paths"]![path]!["get"]!["responses"]!["200"]!["content"]!["application/json"]!["schema"]!, answer, path);
        }

        void Describes(JToken schema, JsonElement value, string where)
        {
            if (value.ValueKind == JsonValueKind.Array)
            {
                foreach (var item in value.EnumerateArray())
                    Describes(Resolved(schema)["items"]!, item, where + "[]");
            }
            else if (value.ValueKind == JsonValueKind.Object && Resolved(schema)["additionalProperties"] is null)
            {
                var members = Members(schema);
                foreach (var property in value.EnumerateObject())
                {
                    Assert.True(members.TryGetValue(property.Name, out var member), $"{where}.{property.Name} is not in the document.");
                    Describes(member!, property.Value, $"{where}.{property.Name}");
                }
            }
        }

        Dictionary<string, JToken> Members(JToken schema) => Resolved(schema) is var resolved && resolved["allOf"] is JArray parts
            ? parts.SelectMany(Members).ToDictionary(p => p.Key, p => p.Value)
            : ((JObject)resolved["properties"]!).Properties().ToDictionary(p => p.Name, p => p.Value);

        JToken Resolved(JToken schema) => (string?)schema["$ref"] is { } reference ? document.SelectToken(reference[2..].Replace('/', '.'))! : schema;
    }

    [Fact]
    public void Another_release_is_guessed_from_names_and_what_is_not_there_stays()
    {
        var derived = OpenApiProfile.Derive(Other, new Uri("https://eu.site.example/hq"));

        var profile = derived.Profile;
        Assert.Equal(
            ("/rest/v3/oauth2/token", "/rest/v3/computers", "/rest/v3/computers/{id}", "/rest/v3/computers/{id}/audits", "/rest/v3/audits/{id}", "/rest/v3/computers/{id}", "/api/v1/software"),
            (profile.Paths.Token, profile.Paths.Devices, profile.Paths.Device, profile.Paths.DeviceSnapshots, profile.Paths.Snapshot, profile.Paths.DeleteDevice, profile.Paths.Software));
        Assert.Equal(("data", "meta.total_count", "next"), (profile.Envelope.Items, profile.Envelope.Total, profile.Envelope.NextLink));
        Assert.Equal((PagingStyle.PageNumber, "page_size", "page", 0, 100), (profile.Paging.Style, profile.Paging.LimitParameter, profile.Paging.PageParameter, profile.Paging.FirstPage, profile.Paging.PageSize));
        Assert.Equal(("id", "computerName", "serial", "network.mac_address", "last_snapshot_id", "assetTag"), (profile.Device["id"], profile.Device["name"], profile.Device["serialNumber"], profile.Device["macAddress"], profile.Device["auditId"], profile.Device["assetTag"]));
        Assert.Equal((@"hw.smbios\.v3.bios_uuid", "hw.serialNumber", "installed_software"), (profile.Snapshot["biosUuid"], profile.Snapshot["serialNumber"], profile.Snapshot["software"]));
        Assert.Equal(("title", "version"), (profile.Software["name"], profile.Software["version"]));
        Assert.Equal(
            (LocationVerdict.Found, LocationVerdict.Guessed, LocationVerdict.Missing, LocationVerdict.NotTested),
            (VerdictOf("device", "id"), VerdictOf("device", "name"), VerdictOf("device", "assetTag"), VerdictOf("adapter", "name")));
        Assert.Equal((LocationVerdict.Guessed, LocationVerdict.Missing), (VerdictOf("paging", "style"), VerdictOf("paths", "software")));
        Assert.Contains(derived.Remarks, r => r.Contains("'api-version'", StringComparison.Ordinal));
        profile.Validate();

        LocationVerdict VerdictOf(string section, string field) => derived.Checks.Single(c => c.Section == section && c.Field == field).Verdict;
    }

    [Fact]
    public void A_document_of_version_2_is_read_too()
    {
        var derived = OpenApiProfile.Derive("""
            { "swagger": "2.0", "info": { "title": "t", "version": "1" }, "basePath": "/api/v2", "produces": [ "application/json" ],
              "paths": { "/devices": { "get": { "responses": { "200": { "description": "OK", "schema": { "type": "array", "items": { "type": "object", "properties": { "guid": { "type": "string" } } } } } } } } } }
            """);

        Assert.Equal(("/api/v2/devices", string.Empty, "guid"), (derived.Profile.Paths.Devices, derived.Profile.Envelope.Items, derived.Profile.Device["id"]));
        Assert.Null(derived.Profile.Envelope.Total);
        Assert.Contains(derived.Remarks, r => r.Contains("neither how long it is", StringComparison.Ordinal));
    }

    [Fact]
    public void Paths_on_another_host_stay_on_the_site_and_are_told()
    {
        var derived = OpenApiProfile.Derive(Other.Replace("https://eu.site.example", "https://evil.example", StringComparison.Ordinal), new Uri("https://eu.site.example/hq"));

        Assert.Equal("/rest/v3/computers", derived.Profile.Paths.Devices);
        Assert.Contains(derived.Remarks, r => r.Contains("evil.example", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("", "InvalidOpenApi")]
    [InlineData("openapi: 3.0.1", "InvalidOpenApi")]
    [InlineData("[]", "InvalidOpenApi")]
    [InlineData("""{"a":1}""", "InvalidOpenApi")]
    [InlineData("""{"openapi":"3.0.1","info":{"title":"t","version":"1"},"paths":{}}""", "InvalidOpenApi")]
    [InlineData("""{"openapi":"3.0.1","info":{"title":"t","version":"1"},"paths":{"/pets":{"get":{"responses":{"200":{"description":"OK"}}}}}}""", "OpenApiWithoutDevices")]
    public void What_is_no_document_of_the_API_is_refused_with_advice(string text, string errorId)
    {
        var e = Assert.Throws<AlloyScanException>(() => OpenApiProfile.Derive(text));
        Assert.Equal(errorId, e.ErrorId);
        Assert.NotEmpty(e.Advice!);
    }

    [Fact]
    public void Documents_that_unfold_without_end_are_bounded()
    {
        // References through references, on which the package takes ever longer, and in a circle.
        Refused(Document(string.Join(",", Enumerable.Range(0, 3000).Select(i => $$"""
            "S{{i}}":{"$ref":"#/components/schemas/S{{i + 1}}"}
            """))));
        Refused(Document(""" "S0":{"$ref":"#/components/schemas/S1"},"S1":{"$ref":"#/components/schemas/S0"} """));
        Refused(Document(""" "S0":{"$ref":"S1"},"S1":{"$ref":"S0"} """));
        Refused(Document(string.Join(",", Enumerable.Range(0, 3000).Select(i => $$"""
            "S{{i}}":{"$ref":"S{{i + 1}}"}
            """))));
        // Ways that cross each other, and that lead into themselves.
        foreach (var schemas in (string[])[
            """ "S0":{"$ref":"#/components/schemas/S1/properties/x"},"S1":{"$ref":"#/components/schemas/S0/properties/y"} """,
            """ "S0":{"$ref":"#/components/schemas/S0/properties/a"} """,
            """ "S0":{"type":"object","properties":{"items":{"$ref":"#/components/schemas/S0/properties/items/items"}}} """,
            """ "S0":{"$ref":"http://127.0.0.1:1/x.json#/a"} """,
            """ "S0":{"$ref":""} """,
            """ "S0":{"$ref":"#"} """])
        {
            Assert.Contains(Assert.Throws<AlloyScanException>(() => OpenApiProfile.Derive(Document(schemas))).ErrorId, (string[])["InvalidOpenApi", "OpenApiWithoutDevices"]);
        }

        // Nested beyond all sense.
        Refused(Document("\"S0\":" + string.Concat(Enumerable.Repeat("{\"properties\":{\"a\":", 500)) + "{}" + string.Concat(Enumerable.Repeat("}}", 500))));
        Refused("{\"openapi\":\"3.0.1\",\"x\":\"" + new string('y', OpenApiProfile.MaxBytes) + "\"}");
        // Wide and in circles: each of 60 places leads to all of them, and parts double at each of 60 levels.
        var wide = Derived(Document("\"S0\":{\"type\":\"object\",\"properties\":{\"items\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/T0\"}}}}," + string.Join(",", Enumerable.Range(0, 60).Select(i =>
            $"\"T{i}\":{{\"type\":\"object\",\"properties\":{{{string.Join(",", Enumerable.Range(0, 60).Select(j => $"\"p{j}\":{{\"$ref\":\"#/components/schemas/T{j}\"}}"))}}}}}"))));
        Assert.Equal("/api/v1/devices", wide.Profile.Paths.Devices);
        Derived(Document("\"S0\":{\"type\":\"object\",\"properties\":{\"items\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/T0\"}}}}," + string.Join(",", Enumerable.Range(0, 60).Select(i =>
            $"\"T{i}\":{{\"allOf\":[{{\"$ref\":\"#/components/schemas/T{i + 1}\"}},{{\"$ref\":\"#/components/schemas/T{i + 1}\"}}]}}"))));

        static void Refused(string text) => Assert.Equal("InvalidOpenApi", Assert.Throws<AlloyScanException>(() => OpenApiProfile.Derive(text)).ErrorId);
        static DerivedApiProfile Derived(string text) => OpenApiProfile.Derive(text);
        static string Document(string schemas) => """
            {"openapi":"3.0.1","info":{"title":"t","version":"1"},"paths":{"/api/v1/devices":{"get":{"responses":{"200":{"description":"OK","content":{"application/json":{"schema":{"$ref":"#/components/schemas/S0"}}}}}}}},"components":{"schemas":{
            """ + schemas + "}}}";
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Spoiled_documents_give_a_profile_that_holds_or_an_error_with_an_ID(int seed)
    {
        var mutation = new Mutation(seed);
        var (derivedOnes, refused) = (0, 0);
        for (var round = 0; round < 150; round++)
        {
            var text = Encoding.UTF8.GetString(mutation.Bytes(Other));
            try
            {
                var derived = OpenApiProfile.Derive(text, new Uri("https://eu.site.example/hq"));
                // What comes out can be read again, and leads to no other host.
                Assert.Equal(derived.Profile.ToJson(), ApiProfile.Parse(derived.Profile.ToJson()).ToJson());
                Assert.All(derived.Checks.Where(c => c.Section == "paths"), c => Assert.StartsWith("/", c.Location, StringComparison.Ordinal));
                derivedOnes++;
            }
            catch (AlloyScanException e)
            {
                Assert.Contains(e.ErrorId, (string[])["InvalidOpenApi", "OpenApiWithoutDevices"]);
                Assert.InRange(e.Message.Length, 10, 2000);
                refused++;
            }
        }

        Assert.True(derivedOnes > 10 && refused > 10, $"{derivedOnes} derived, {refused} refused");
    }

    [Theory]
    [InlineData("http://site.example/openapi.json", null, "InsecureSiteUrl")]
    [InlineData("ftp://site.example/openapi.json", null, "InvalidSiteUrl")]
    [InlineData("https://user:pa55@site.example/openapi.json", null, "InvalidSiteUrl")]
    [InlineData("https://other.example/openapi.json", "https://site.example/hq", "OpenApiOfOtherHost")]
    [InlineData("https://site.example:8443/openapi.json", "https://site.example/hq", "OpenApiOfOtherHost")]
    public async Task A_document_is_fetched_from_the_host_of_the_site_only(string address, string? site, string errorId)
    {
        var asked = new Server(HttpStatusCode.OK);
        var e = await Assert.ThrowsAsync<AlloyScanException>(() => OpenApiProfile.DownloadAsync(new Uri(address), site is null ? null : new Uri(site), asked, default));

        Assert.Equal(errorId, e.ErrorId);
        Assert.Equal(0, asked.Requests);
        Assert.DoesNotContain("pa55", e.MessageWithAdvice, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(HttpStatusCode.NotFound, ": 404 ")]
    [InlineData(HttpStatusCode.Unauthorized, ": 401 ")]
    [InlineData(HttpStatusCode.Redirect, ": 302 ")]
    public async Task A_server_that_does_not_give_it_is_told_with_advice_and_no_redirect_is_followed(HttpStatusCode status, string words)
    {
        var server = new Server(status);
        var e = await Assert.ThrowsAsync<AlloyScanException>(() => OpenApiProfile.DownloadAsync(new Uri("https://site.example/openapi.json?token=t0ken"), null, server, default));

        Assert.Equal(("OpenApiUnreadable", 1), (e.ErrorId, server.Requests));
        Assert.Contains(words, e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("t0ken", e.Message, StringComparison.Ordinal);
        Assert.NotEmpty(e.Advice!);
    }

    [Fact]
    public async Task A_document_without_end_is_not_read_to_its_end()
    {
        var e = await Assert.ThrowsAsync<AlloyScanException>(() => OpenApiProfile.DownloadAsync(new Uri("https://site.example/openapi.json"), null, new Server(HttpStatusCode.OK) { Endless = true }, default));

        Assert.Equal("InvalidOpenApi", e.ErrorId);
    }

    private sealed class Server(HttpStatusCode status) : HttpMessageHandler
    {
        public int Requests { get; private set; }

        public bool Endless { get; init; }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Requests++;
            Assert.Null(request.Headers.Authorization);
            var answer = new HttpResponseMessage(status) { Content = Endless ? new StreamContent(new EndlessStream()) : new StringContent("{}") };
            if ((int)status is >= 300 and < 400)
                answer.Headers.Location = new Uri("https://evil.example/x");
            return Task.FromResult(answer);
        }
    }

    private sealed class EndlessStream : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count)
        {
            buffer.AsSpan(offset, count).Fill((byte)' ');
            return count;
        }

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
