using System.Text;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace AlloyScan.Engine.Tests.Hostile;

/// <summary>Spoils texts and JSON documents in the ways in which networks, people and attackers do. A failure names its seed.</summary>
internal sealed class Mutation(int seed)
{
    private static readonly string[] s_pieces =
    [
        "{", "}", "[", "]", ",", ":", "\"", "'", "\\", "\\u", "\\ud800", "\\u0000", "null", "true", "NaN", "-Infinity", "1e999", "-", "0x1F", "99999999999999999999999999999999", "/*", "//", "\n", "\0", "\u001b[2J",
        "\uFEFF", "\u202E", "\ud83d", "\ud83d\ude00", "<html>", "`", "$(", "${", "{{", "}}", "{name}", "=", "==", ";", "--", "'; DROP TABLE links; --", "*", "?", "%", "%00", "..", "../", "@", "\u00e9", "\u0130", "\u00df",
    ];

    private readonly Random _random = new(seed);

    public int Below(int most) => _random.Next(most);

    public T Pick<T>(IReadOnlyList<T> all) => all[_random.Next(all.Count)];

    /// <summary>A text that nobody would write.</summary>
    public string Absurd() => _random.Next(14) switch
    {
        0 => string.Empty,
        1 => " \t\n ",
        2 => new string('x', 10_000),
        3 => string.Concat(Enumerable.Repeat("\ud83d\ude00", 5_000)),
        4 => "\u0000\u0001\u001b[31mred\u001b]0;title\u0007\u007f\u009b2J",
        5 => "\u202Egnp.exe\u2066\u2069",
        6 => "'; DROP TABLE links; -- \" ` \\ %s {0}",
        7 => "\ud800 half \udc00",
        8 => "%_*?[a-z]^$",
        9 => "NaN",
        10 => "\uFEFF\u200B\u00A0",
        11 => new string('{', 2_000),
        12 => "İıßẞſK",
        _ => string.Concat(Enumerable.Range(0, _random.Next(1, 8)).Select(_ => Pick(s_pieces))),
    };

    /// <summary>Damages a text at a few places.</summary>
    public string Text(string text)
    {
        if (_random.Next(12) == 0)
            return Absurd();

        var damaged = new StringBuilder(text);
        for (var i = _random.Next(1, 4); i > 0; i--)
        {
            var at = _random.Next(damaged.Length + 1);
            var length = Math.Min(_random.Next(1, 12), damaged.Length - at);
            switch (_random.Next(6))
            {
                case 0:
                    damaged.Length = at;
                    break;
                case 1:
                    damaged.Remove(at, length);
                    break;
                case 2:
                    damaged.Insert(at, Absurd());
                    break;
                case 3:
                    damaged.Insert(at, Pick(s_pieces));
                    break;
                case 4:
                    damaged.Insert(at, damaged.ToString(at, length));
                    break;
                default:
                    if (at < damaged.Length)
                        damaged[at] = (char)_random.Next(0, 0x3000);
                    break;
            }
        }

        return damaged.ToString();
    }

    /// <summary>A JSON document with a few values of other types, of absurd sizes, twice, nested or gone.</summary>
    public string Json(string json)
    {
        var root = JToken.Parse(json);
        for (var i = _random.Next(1, 4); i > 0; i--)
        {
            var all = ((root as JContainer)?.DescendantsAndSelf() ?? [root]).Where(t => t is not JProperty && t.Parent is not null).ToList();
            if (all.Count == 0)
                break;

            var victim = Pick(all);
            if (_random.Next(8) == 0 && victim.Parent is JProperty property)
                property.Remove();
            else
                victim.Replace(Value());
        }

        var text = root.ToString(_random.Next(2) == 0 ? Formatting.None : Formatting.Indented);
        if (_random.Next(6) == 0)
        {
            // The same name twice.
            var at = text.IndexOf('{', StringComparison.Ordinal);
            var name = Pick(JsonNames(json));
            text = text.Insert(at + 1, $"\"{name}\":{Value().ToString(Formatting.None)},");
        }

        return text;
    }

    /// <summary>A JSON document, spoiled as JSON, as text or as bytes.</summary>
    public byte[] Bytes(string json)
    {
        var text = _random.Next(3) switch { 0 => Text(json), _ => Json(json) };
        var bytes = (_random.Next(16) switch
        {
            0 => Encoding.Unicode.GetPreamble().Concat(Encoding.Unicode.GetBytes(text)),
            1 => Encoding.BigEndianUnicode.GetBytes(text),
            2 => Encoding.UTF8.GetPreamble().Concat(Encoding.UTF8.GetBytes(text)),
            3 => Encoding.Latin1.GetBytes(text),
            _ => Encoding.UTF8.GetBytes(text),
        }).ToArray();
        if (_random.Next(4) == 0)
        {
            for (var i = _random.Next(1, 6); i > 0 && bytes.Length > 0; i--)
                bytes[_random.Next(bytes.Length)] = (byte)_random.Next(256);
        }

        return _random.Next(10) == 0 ? bytes[.._random.Next(bytes.Length + 1)] : bytes;
    }

    private static List<string> JsonNames(string json) => [.. ((JContainer)JToken.Parse(json)).Descendants().OfType<JProperty>().Select(p => p.Name).Distinct()];

    private JToken Value() => _random.Next(16) switch
    {
        0 => JValue.CreateNull(),
        1 => new JValue(true),
        2 => new JValue(-1),
        3 => new JValue(long.MaxValue),
        4 => new JRaw("123456789012345678901234567890"),
        5 => new JRaw("1e400"),
        6 => new JValue(0.1),
        7 => new JArray(),
        8 => new JObject(),
        9 => new JArray(new JArray(new JObject { ["a"] = JValue.CreateNull() })),
        10 => new JRaw(new string('[', 3_000) + new string(']', 3_000)),
        11 => new JRaw("\"\\ud800\\u0000\""),
        12 => new JValue(new string('y', _random.Next(20) == 0 ? 1_000_000 : 10_000)),
        13 => new JValue("0001-01-01T00:00:00+14:00"),
        14 => new JValue("9999-12-31T23:59:59.9999999-14:00"),
        _ => new JValue(Absurd()),
    };
}
