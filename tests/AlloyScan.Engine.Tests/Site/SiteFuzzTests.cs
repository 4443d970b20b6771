using System.Text;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Site;
using AlloyScan.Engine.Site.Reading;
using Xunit;

namespace AlloyScan.Engine.Tests.Site;

/// <summary>Whatever a body says, the readers give a result or a <see cref="BodyException"/>, and the client an <see cref="AlloyScanException"/>.</summary>
public sealed class SiteFuzzTests
{
    private static readonly string s_list = FakeSite.List([FakeSite.DeviceJson(1), FakeSite.DeviceJson(2), FakeSite.DeviceJson(3)], 3);

    private static readonly string[] s_pieces =
    [
        "{", "}", "[", "]", ",", ":", "\"", "'", "\\", "\\u", "\\ud800", "null", "true", "NaN", "-Infinity", "undefined", "new Date(1)", "/*", "*/", "//", "\n", "\0",
        "1e999", "-", "0x1F", "0777", "99999999999999999999999999999999", "1.5", "\"id\":", "\"items\":", "\"total\":", "\"software\":", "\uFEFF", "<html>", "\ud83d",
    ];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Damaged_text_never_does_worse_than_a_body_exception(int seed)
    {
        Random random = new(seed);
        CompiledProfile compiled = new(ApiProfile.Default);
        for (int round = 0; round < 5000; round++)
        {
            byte[] body = Damage(random, random.Next(2) == 0 ? s_list : SiteClientReadingTests.SnapshotJson);
            try
            {
                _ = BodyReader.ReadBody(body, (ref BodyReader r) => new SnapshotReader(ApiProfile.Default, compiled).Read(ref r, 8));
            }
            catch (BodyException e)
            {
                Assert.NotEmpty(e.ErrorId);
            }
            catch (Exception e)
            {
                Assert.Fail($"Seed {seed}, round {round}: {e}\n{Encoding.UTF8.GetString(body)}");
            }
        }
    }

    [Fact]
    public async Task Damaged_answers_never_do_worse_than_an_exception_of_ours()
    {
        Random random = new(11);
        byte[] body = [];
        FakeSite site = new FakeSite().WithTokens().OnDefault(r => SiteBodyTests.Stream(new MemoryStream(body)));
        using SiteClient client = site.Client(o => o with { Profile = ApiProfile.Default with { Paging = new ApiPaging { PageSize = 3 } } });
        for (int round = 0; round < 2000; round++)
        {
            body = Damage(random, s_list);
            try
            {
                await foreach (DevicePage page in client.ReadDevicePagesAsync(default))
                {
                    Assert.Equal(page.ItemCount, page.Devices.Count + page.Unreadable.Count);
                    Assert.All(page.Devices, d => Assert.False(string.IsNullOrWhiteSpace(d.Id)));
                    Assert.All(page.Unreadable, u => Assert.NotEmpty(u.Reason));
                    break;
                }
            }
            catch (AlloyScanException e)
            {
                Assert.Equal(ErrorKind.InvalidData, e.Kind);
            }
            catch (Exception e)
            {
                Assert.Fail($"Round {round}: {e}\n{Encoding.UTF8.GetString(body)}");
            }
        }
    }

    [Fact]
    public void Every_true_beginning_of_a_body_is_truncated_and_nothing_else()
    {
        CompiledProfile compiled = new(ApiProfile.Default);
        byte[] whole = Encoding.UTF8.GetBytes(SiteClientReadingTests.SnapshotJson);
        for (int length = 0; length < whole.Length; length++)
        {
            int cut = length;
            BodyException e = Assert.Throws<BodyException>(() =>
                BodyReader.ReadBody(whole.AsMemory(0, cut), (ref BodyReader r) => new SnapshotReader(ApiProfile.Default, compiled).Read(ref r, 8)));
            Assert.True(e.Fault == BodyFault.Truncated, $"{cut}: {e.Fault} {e.Message} {e.InnerException}");
        }
    }

    [Fact]
    public void The_order_of_properties_does_not_matter()
    {
        Random random = new(5);
        CompiledProfile compiled = new(ApiProfile.Default);
        AuditSnapshot expected = Read(SiteClientReadingTests.SnapshotJson);
        for (int round = 0; round < 200; round++)
        {
            AuditSnapshot read = Read(Shuffle(Newtonsoft.Json.Linq.JToken.Parse(SiteClientReadingTests.SnapshotJson)).ToString());
            Assert.Equal(expected.Hardware, read.Hardware);
            Assert.Equal(expected.OperatingSystem, read.OperatingSystem);
            Assert.Equal(expected.User, read.User);
            Assert.Equal(expected.Software!, read.Software!);
            Assert.Equal(expected.Custom.OrderBy(c => c.Key), read.Custom.OrderBy(c => c.Key));
        }

        AuditSnapshot Read(string json) =>
            BodyReader.ReadBody(Encoding.UTF8.GetBytes(json), (ref BodyReader r) => new SnapshotReader(ApiProfile.Default, compiled).Read(ref r, 8));

        Newtonsoft.Json.Linq.JToken Shuffle(Newtonsoft.Json.Linq.JToken token) => token switch
        {
            Newtonsoft.Json.Linq.JObject o => new Newtonsoft.Json.Linq.JObject(
                o.Properties().OrderBy(_ => random.Next()).Select(p => new Newtonsoft.Json.Linq.JProperty(p.Name, p.Name == "custom" ? p.Value : Shuffle(p.Value)))),
            Newtonsoft.Json.Linq.JArray a => new Newtonsoft.Json.Linq.JArray(a.Select(Shuffle)),
            _ => token,
        };
    }

    private static byte[] Damage(Random random, string json)
    {
        StringBuilder text = new(json);
        int changes = random.Next(1, 4);
        for (int i = 0; i < changes; i++)
        {
            int at = random.Next(text.Length);
            int length = Math.Min(random.Next(1, 12), text.Length - at);
            switch (random.Next(5))
            {
                case 0:
                    text.Length = at + 1;
                    break;
                case 1:
                    text.Remove(at, Math.Min(length, text.Length - 1));
                    break;
                case 2:
                    text.Insert(at, s_pieces[random.Next(s_pieces.Length)]);
                    break;
                case 3:
                    text.Remove(at, Math.Min(length, text.Length - 1)).Insert(Math.Min(at, text.Length), s_pieces[random.Next(s_pieces.Length)]);
                    break;
                default:
                    text[at] = (char)random.Next(1, 300);
                    break;
            }
        }

        byte[] bytes = Encoding.UTF8.GetBytes(text.ToString());
        if (random.Next(4) == 0 && bytes.Length > 0)
        {
            bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
        }

        return bytes;
    }
}
