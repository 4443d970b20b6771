using System.Text.Json;

namespace AlloyScan.Benchmarks.Floor;

/// <summary>Reads the bodies of the API straight off the bytes.</summary>
internal static class FloorReader
{
    public static FloorPage ReadPage(ReadOnlySpan<byte> body)
    {
        var page = new FloorPage();
        var reader = new Utf8JsonReader(body);
        reader.Read();
        while (NextProperty(ref reader))
        {
            if (reader.ValueTextEquals("items"u8))
            {
                reader.Read();
                while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
                {
                    var device = new FloorDevice();
                    ReadDevice(ref reader, device);
                    page.Devices.Add(device);
                }
            }
            else if (reader.ValueTextEquals("total"u8))
            {
                reader.Read();
                page.Total = reader.GetInt32();
            }
            else
            {
                Skip(ref reader);
            }
        }

        return page;
    }

    public static void ReadDetail(ReadOnlySpan<byte> body, FloorDevice device)
    {
        var reader = new Utf8JsonReader(body);
        reader.Read();
        ReadDevice(ref reader, device);
    }

    public static void ReadSnapshot(ReadOnlySpan<byte> body, FloorDevice device)
    {
        var reader = new Utf8JsonReader(body);
        reader.Read();
        while (NextProperty(ref reader))
        {
            if (reader.ValueTextEquals("hardware"u8))
                ReadHardware(ref reader, device);
            else if (reader.ValueTextEquals("operatingSystem"u8))
                ReadSystem(ref reader, device);
            else if (reader.ValueTextEquals("user"u8))
                ReadUser(ref reader, device);
            else if (reader.ValueTextEquals("software"u8))
                ReadSoftware(ref reader, device);
            else
                Skip(ref reader);
        }
    }

    private static void ReadDevice(ref Utf8JsonReader reader, FloorDevice device)
    {
        while (NextProperty(ref reader))
        {
            if (reader.ValueTextEquals("id"u8))
                device.Id = Text(ref reader)!;
            else if (reader.ValueTextEquals("name"u8))
                device.Name = Text(ref reader);
            else if (reader.ValueTextEquals("dnsName"u8))
                device.DnsName = Text(ref reader);
            else if (reader.ValueTextEquals("macAddress"u8))
                device.MacAddress = Text(ref reader);
            else if (reader.ValueTextEquals("ipAddress"u8))
                device.IpAddress = Text(ref reader);
            else if (reader.ValueTextEquals("serialNumber"u8))
                device.SerialNumber = Text(ref reader);
            else if (reader.ValueTextEquals("assetTag"u8))
                device.AssetTag = Text(ref reader);
            else if (reader.ValueTextEquals("type"u8))
                device.Type = Text(ref reader);
            else if (reader.ValueTextEquals("lastSeen"u8))
                device.LastSeen = Text(ref reader);
            else if (reader.ValueTextEquals("auditId"u8))
                device.AuditId = Text(ref reader);
            else if (reader.ValueTextEquals("auditDate"u8))
                device.AuditDate = Text(ref reader);
            else if (reader.ValueTextEquals("osPlatform"u8))
                device.OsPlatform = Text(ref reader);
            else
                Skip(ref reader);
        }
    }

    private static void ReadHardware(ref Utf8JsonReader reader, FloorDevice device)
    {
        reader.Read();
        while (NextProperty(ref reader))
        {
            if (reader.ValueTextEquals("manufacturer"u8))
                device.Manufacturer = Text(ref reader);
            else if (reader.ValueTextEquals("model"u8))
                device.Model = Text(ref reader);
            else if (reader.ValueTextEquals("serialNumber"u8))
                device.SerialNumber = Text(ref reader) ?? device.SerialNumber;
            else if (reader.ValueTextEquals("biosUuid"u8))
                device.BiosUuid = Text(ref reader);
            else if (reader.ValueTextEquals("memoryBytes"u8))
            {
                reader.Read();
                device.MemoryBytes = reader.TokenType == JsonTokenType.Number ? reader.GetInt64() : null;
            }
            else if (reader.ValueTextEquals("cpu"u8))
            {
                reader.Read();
                while (NextProperty(ref reader))
                {
                    if (reader.ValueTextEquals("name"u8))
                        device.Cpu = Text(ref reader);
                    else
                        Skip(ref reader);
                }
            }
            else
            {
                Skip(ref reader);
            }
        }
    }

    private static void ReadSystem(ref Utf8JsonReader reader, FloorDevice device)
    {
        reader.Read();
        while (NextProperty(ref reader))
        {
            if (reader.ValueTextEquals("platform"u8))
                device.OsPlatform = Text(ref reader) ?? device.OsPlatform;
            else if (reader.ValueTextEquals("name"u8))
                device.OsName = Text(ref reader);
            else if (reader.ValueTextEquals("version"u8))
                device.OsVersion = Text(ref reader);
            else
                Skip(ref reader);
        }
    }

    private static void ReadUser(ref Utf8JsonReader reader, FloorDevice device)
    {
        reader.Read();
        while (NextProperty(ref reader))
        {
            if (reader.ValueTextEquals("displayName"u8))
                device.UserName = Text(ref reader);
            else
                Skip(ref reader);
        }
    }

    private static void ReadSoftware(ref Utf8JsonReader reader, FloorDevice device)
    {
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            string? name = null, version = null, publisher = null, installDate = null, installKey = null, serialNumber = null;
            while (NextProperty(ref reader))
            {
                if (reader.ValueTextEquals("name"u8))
                    name = Text(ref reader);
                else if (reader.ValueTextEquals("version"u8))
                    version = Text(ref reader);
                else if (reader.ValueTextEquals("publisher"u8))
                    publisher = Text(ref reader);
                else if (reader.ValueTextEquals("installDate"u8))
                    installDate = Text(ref reader);
                else if (reader.ValueTextEquals("installKey"u8))
                    installKey = Text(ref reader);
                else if (reader.ValueTextEquals("serialNumber"u8))
                    serialNumber = Text(ref reader);
                else
                    Skip(ref reader);
            }

            device.Software.Add(new FloorSoftware(name, version, publisher, installDate, installKey, serialNumber));
        }
    }

    private static bool NextProperty(ref Utf8JsonReader reader) => reader.Read() && reader.TokenType == JsonTokenType.PropertyName;

    private static string? Text(ref Utf8JsonReader reader)
    {
        reader.Read();
        return reader.GetString();
    }

    private static void Skip(ref Utf8JsonReader reader)
    {
        reader.Read();
        reader.Skip();
    }
}
