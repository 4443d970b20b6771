using System.Globalization;
using AlloyScan.Engine.Inventory;
using System.Text.Json;

namespace AlloyScan.Engine.Site.Reading;

/// <summary>Reads devices: rows of the list and single ones. One instance reads one body.</summary>
internal sealed class DeviceReader(ApiProfile profile, CompiledProfile compiled) : FieldReader(compiled.Device, ApiFields.DeviceFields.Length)
{
    /// <summary>Longest ID.</summary>
    internal const int MaxIdLength = 1024;

    private readonly TagReader _tagReader = new(compiled);
    private List<DeviceTag>? _tags;

    /// <summary>Reads the device at the reader; <see langword="null"/> with a reason if it cannot be understood.</summary>
    internal Device? Read(ref BodyReader reader, out UnreadableDevice? unreadable)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            unreadable = new UnreadableDevice(null, null, $"The device is {reader.Describe()} and not an object.");
            reader.Skip();
            return null;
        }

        _tags = null;
        ReadFields(ref reader);
        string? id = Values[ApiFields.Device.Id];
        if (string.IsNullOrWhiteSpace(id))
        {
            Fail($"The field '{profile.Device["id"]}' is missing.");
        }
        else if (id.Length > MaxIdLength)
        {
            // Nothing of that length can be asked for.
            Fail($"The field '{profile.Device["id"]}' is longer than {MaxIdLength.ToString(CultureInfo.InvariantCulture)} characters.");
            id = null;
        }

        DateTimeOffset? lastSeen = Time(ApiFields.Device.LastSeen, profile.Device["lastSeen"] ?? "lastSeen");
        DateTimeOffset? auditDate = Time(ApiFields.Device.AuditDate, profile.Device["auditDate"] ?? "auditDate");
        if (Problem is { } problem)
        {
            unreadable = new UnreadableDevice(string.IsNullOrWhiteSpace(id) ? null : id, Values[ApiFields.Device.Name], problem);
            return null;
        }

        unreadable = null;
        return new Device
        {
            Id = id!,
            Name = Values[ApiFields.Device.Name],
            DnsName = Values[ApiFields.Device.DnsName],
            MacAddress = Values[ApiFields.Device.MacAddress],
            IpAddress = Values[ApiFields.Device.IpAddress],
            SerialNumber = Values[ApiFields.Device.SerialNumber],
            AssetTag = Values[ApiFields.Device.AssetTag],
            Type = Values[ApiFields.Device.Type],
            LastSeen = lastSeen,
            Tags = _tags ?? (IReadOnlyList<DeviceTag>)[],
            AuditId = Values[ApiFields.Device.AuditId],
            AuditDate = auditDate,
            AuditSource = Values[ApiFields.Device.AuditSource],
            OsPlatform = Values[ApiFields.Device.OsPlatform],
        };
    }

    protected override void ReadComposite(LocationNode node, ref BodyReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            FailKind(node, ref reader, "a list");
            return;
        }

        while (reader.Next() != JsonTokenType.EndArray)
        {
            if (reader.TokenType == JsonTokenType.StartObject)
            {
                if (_tagReader.Read(ref reader, out string? problem) is { } tag)
                {
                    (_tags ??= new List<DeviceTag>(2)).Add(tag);
                }

                if (problem is not null)
                {
                    Fail($"In a tag: {problem}");
                }
            }
            else if (!reader.TryText(out string? text))
            {
                FailKind(node, ref reader, "a list of tags");
            }
            else if (!string.IsNullOrEmpty(text))
            {
                // A bare name says all that we use.
                (_tags ??= new List<DeviceTag>(2)).Add(new DeviceTag(text, text));
            }
        }
    }

    private sealed class TagReader(CompiledProfile compiled) : FieldReader(compiled.Tag, ApiFields.TagFields.Length)
    {
        internal DeviceTag? Read(ref BodyReader reader, out string? problem)
        {
            ReadFields(ref reader);
            problem = Problem;
            string? id = Values[ApiFields.Tag.Id];
            string? name = Values[ApiFields.Tag.Name];
            return (id ?? name) is null ? null : new DeviceTag(id ?? name!, name ?? id!);
        }
    }
}
