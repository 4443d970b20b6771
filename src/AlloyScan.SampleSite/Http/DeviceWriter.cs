using System.Text.Json;

namespace AlloyScan.SampleSite;

/// <summary>Writes devices and snapshots as the API gives them, straight from the generator into the buffer.</summary>
internal sealed class DeviceWriter(SampleSiteState state, SampleSiteOptions options)
{
    private static readonly string[] s_unknown = ["_etag", "x-internal"];

    private readonly SampleFleet _fleet = state.Fleet;
    private readonly DeviceFacts _facts = state.Fleet.Facts;

    public void WriteListItem(Utf8JsonWriter writer, in DeviceState device)
    {
        writer.WriteStartObject();
        WriteListFields(writer, device);
        WriteTags(writer, device);
        WriteUnknown(writer);
        writer.WriteEndObject();
    }

    public void WriteDetail(Utf8JsonWriter writer, in DeviceState device)
    {
        Span<byte> buffer = stackalloc byte[40];
        writer.WriteStartObject();
        WriteListFields(writer, device);
        WriteTags(writer, device);
        writer.WriteString(Field.AuditId, _facts.AuditId(device));
        writer.WriteString(Field.AuditDate, FormatTime(DeviceHistory.AuditTime(device, device.ChangedOn), buffer));
        writer.WriteString(Field.AuditSource, DeviceFacts.Source(device));
        if (OperatingSystems.PlatformName(device.Platform) is { } platform)
            writer.WriteString(Field.OsPlatform, platform);

        WriteCustom(writer, device);
        WriteUnknown(writer);
        writer.WriteEndObject();
    }

    /// <summary>A line of the list of snapshots of a device, which has one for each day on which it changed.</summary>
    public void WriteSnapshotItem(Utf8JsonWriter writer, in DeviceState device)
    {
        Span<byte> buffer = stackalloc byte[40];
        var source = DeviceFacts.Source(device);
        writer.WriteStartObject();
        writer.WriteString(Field.Id, _facts.AuditId(device));
        writer.WriteString(Field.DeviceId, _fleet.DeviceId(device.Index));
        writer.WriteString(Field.AuditDate, FormatTime(DeviceHistory.AuditTime(device, device.ChangedOn), buffer));
        writer.WriteString(Field.Source, source);
        writer.WriteNull(Field.ScheduleId);
        writer.WriteString(Field.AuditServiceId, _fleet.Ids.Encode(IdKind.AuditService, DeviceFacts.Office(device)));
        if (source == "Agent")
            writer.WriteString(Field.AgentId, _fleet.Ids.Encode(IdKind.Agent, device.Index));
        else
            writer.WriteNull(Field.AgentId);

        WriteUnknown(writer);
        writer.WriteEndObject();
    }

    /// <summary>What one audit found. The device must be in the state of the audit's day.</summary>
    public void WriteSnapshot(Utf8JsonWriter writer, in DeviceState device)
    {
        Span<byte> buffer = stackalloc byte[40];
        writer.WriteStartObject();
        writer.WriteString(Field.Id, _facts.AuditId(device));
        writer.WriteString(Field.DeviceId, _fleet.DeviceId(device.Index));
        writer.WriteString(Field.AuditDate, FormatTime(DeviceHistory.AuditTime(device, device.ChangedOn), buffer));
        writer.WriteString(Field.Source, DeviceFacts.Source(device));
        WriteHardware(writer, device);
        WriteOperatingSystem(writer, device);
        WriteNetwork(writer, device);
        WriteUser(writer, device);
        WriteSoftware(writer, device);
        WriteCustom(writer, device);
        WriteUnknown(writer);
        writer.WriteEndObject();
    }

    public static ReadOnlySpan<byte> FormatTime(DateTime time, Span<byte> buffer)
    {
        var text = new Utf8Text(buffer);
        text.AppendTime(time);
        return text.Written;
    }

    public void WriteUnknown(Utf8JsonWriter writer)
    {
        if (!options.UnknownFields)
            return;

        writer.WriteString(s_unknown[0], "W/\"7\"");
        writer.WriteStartObject(s_unknown[1]);
        writer.WriteStartArray("shards");
        writer.WriteNumberValue(3);
        writer.WriteNullValue();
        writer.WriteStartObject();
        writer.WriteString("id", "not-a-device");
        writer.WriteEndObject();
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private void WriteListFields(Utf8JsonWriter writer, in DeviceState device)
    {
        Span<byte> buffer = stackalloc byte[96];
        writer.WriteString(Field.Id, _fleet.DeviceId(device.Index));
        WriteOrNull(writer, Field.Name, _facts.FormatName(device, buffer));
        WriteOrNull(writer, Field.DnsName, DeviceFacts.FormatDnsName(device, buffer));
        writer.WriteString(Field.MacAddress, DeviceFacts.FormatMac(_facts.Machines.PrimaryMac(device.Machine, out _), buffer));
        writer.WriteString(Field.IPAddress, DeviceFacts.FormatAddress(device, buffer));
        writer.WriteString(Field.SerialNumber, _facts.Machines.FormatSerial(device.Machine, buffer, out _));
        if (state.OverrideOf(device.Index) is { HasAssetTag: true } written)
            writer.WriteString(Field.AssetTag, written.AssetTag);
        else
            WriteOrNull(writer, Field.AssetTag, DeviceFacts.FormatAssetTag(device, buffer));

        // Some sites leave a missing type out, others say null.
        if (DeviceFacts.TypeOf(device) is { } type)
            writer.WriteString(Field.Type, type);
        else if ((device.Key & 1) == 0)
            writer.WriteNull(Field.Type);

        writer.WriteString(Field.LastSeen, FormatTime(DeviceHistory.SeenTime(device, device.SeenOn), buffer));
    }

    private void WriteTags(Utf8JsonWriter writer, in DeviceState device)
    {
        writer.WriteStartArray(Field.Tags);
        if (state.OverrideOf(device.Index)?.Tags is { } tags)
        {
            foreach (var number in tags)
                WriteTag(writer, number);
        }
        else
        {
            var bits = DeviceFacts.TagsOf(device);
            for (var number = 0; bits != 0; number++, bits >>= 1)
            {
                if ((bits & 1) != 0)
                    WriteTag(writer, number);
            }
        }

        writer.WriteEndArray();
    }

    private void WriteTag(Utf8JsonWriter writer, int number)
    {
        if (state.Tags.Find(number) is not { } tag)
            return;

        writer.WriteStartObject();
        writer.WriteString(Field.Id, tag.IdJson);
        writer.WriteString(Field.Name, tag.NameJson);
        writer.WriteEndObject();
    }

    private void WriteHardware(Utf8JsonWriter writer, in DeviceState device)
    {
        Span<byte> buffer = stackalloc byte[96];
        var model = device.Machine.Model;
        writer.WriteStartObject(Field.Hardware);
        writer.WriteString(Field.Manufacturer, model.ManufacturerJson);
        writer.WriteString(Field.Model, model.ModelJson);
        writer.WriteString(Field.SerialNumber, _facts.Machines.FormatSerial(device.Machine, buffer, out _));
        if (device.Machine.IsComputer)
        {
            writer.WriteString(Field.BiosUuid, _facts.Machines.FormatUuid(device.Machine, buffer, out _));
            writer.WriteString(Field.Chassis, model.ChassisJson);
            if (DeviceFacts.ProcessorOf(device) is { } processor)
            {
                writer.WriteStartObject(Field.Cpu);
                writer.WriteString(Field.Name, processor.Json);
                writer.WriteNumber(Field.Cores, processor.Cores);
                writer.WriteEndObject();
            }

            writer.WriteNumber(Field.MemoryBytes, DeviceFacts.MemoryBytes(device));
        }

        WriteUnknown(writer);
        writer.WriteEndObject();
    }

    private static void WriteOperatingSystem(Utf8JsonWriter writer, in DeviceState device)
    {
        if (device.System is not { } system)
            return;

        Span<byte> buffer = stackalloc byte[64];
        writer.WriteStartObject(Field.OperatingSystem);
        if (OperatingSystems.PlatformName(system.Platform) is { } platform)
            writer.WriteString(Field.Platform, platform);

        writer.WriteString(Field.Name, system.NameJson);
        writer.WriteString(Field.Version, system.VersionJson);
        writer.WriteString(Field.Build, system.FormatBuild(device.SystemMonths, buffer));
        writer.WriteString(Field.InstallDate, FormatTime(DeviceFacts.SystemInstalled(device), buffer));
        writer.WriteEndObject();
    }

    private void WriteNetwork(Utf8JsonWriter writer, in DeviceState device)
    {
        Span<byte> buffer = stackalloc byte[96];
        writer.WriteStartObject(Field.Network);
        var dnsName = DeviceFacts.FormatDnsName(device, buffer);
        writer.WriteString(Field.HostName, dnsName[..dnsName.IndexOf((byte)'.')]);
        writer.WriteString(Field.Domain, Names.Domain);
        writer.WriteStartArray(Field.Adapters);
        foreach (var adapter in _facts.AdaptersOf(device))
            WriteAdapter(writer, device, adapter);

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void WriteAdapter(Utf8JsonWriter writer, in DeviceState device, NetworkAdapter adapter)
    {
        Span<byte> buffer = stackalloc byte[40];
        writer.WriteStartObject();
        writer.WriteString(Field.Name, adapter.Name);
        writer.WriteString(Field.MacAddress, DeviceFacts.FormatMac(adapter.Address, buffer, device.Platform));
        writer.WriteStartArray(Field.IPAddresses);
        if (adapter.IsConnected)
            writer.WriteStringValue(DeviceFacts.FormatAddress(device, buffer, adapter.IsWireless));

        writer.WriteEndArray();
        writer.WriteBoolean(Field.Virtual, adapter.IsVirtual);
        writer.WriteEndObject();
    }

    private void WriteUser(Utf8JsonWriter writer, in DeviceState device)
    {
        if (_facts.UserOf(device) is not { } person)
            return;

        Span<byte> buffer = stackalloc byte[96];
        writer.WriteStartObject(Field.User);
        writer.WriteString(Field.Login, DeviceFacts.FormatLogin(person, buffer));
        writer.WriteString(Field.DisplayName, DeviceFacts.FormatDisplayName(person, buffer));
        writer.WriteString(Field.Email, DeviceFacts.FormatMail(person, buffer));
        writer.WriteString(Field.Department, Names.DepartmentsJson[person.Department]);
        writer.WriteEndObject();
    }

    private void WriteSoftware(Utf8JsonWriter writer, in DeviceState device)
    {
        // Nothing is said about software where none can be: that is not the same as an empty list.
        if (!device.HasSoftware)
            return;

        writer.WriteStartArray(Field.Software);
        var target = new SoftwareTarget { Writer = writer, Device = device, Unknown = options.UnknownFields, Row = stackalloc byte[2048] };
        _fleet.SoftwareLists.Visit(device, ref target, static (in SoftwareEntry entry, ref SoftwareTarget to) => to.Write(entry));
        writer.WriteEndArray();
    }

    private void WriteCustom(Utf8JsonWriter writer, in DeviceState device)
    {
        var written = state.OverrideOf(device.Index)?.Custom;
        var hash = Hash.Of(device.Machine.Key, Trait.Custom);
        var measured = device.Machine.Form is not (Form.VirtualMachine or Form.Other) && hash % 10 < 7;
        if (!measured && written is not { Count: > 0 })
            return;

        writer.WriteStartObject(Field.Custom);
        if (measured)
        {
            if (written?.ContainsKey("warrantyEnd") != true)
            {
                Span<byte> buffer = stackalloc byte[16];
                var text = new Utf8Text(buffer);
                text.AppendDate(SampleFleet.Epoch.AddDays(Hash.Pick(hash, 1500) - 300));
                writer.WriteString("warrantyEnd"u8, text.Written);
            }

            if (written?.ContainsKey("costCenter") != true)
                writer.WriteString("costCenter"u8, Names.CostCenters[(int)((hash >> 8) % (uint)Names.CostCenters.Length)]);

            if (device.Machine.Form == Form.Laptop && written?.ContainsKey("diskEncrypted") != true)
                writer.WriteBoolean("diskEncrypted"u8, hash % 3 != 0);
        }

        foreach (var (name, value) in written ?? DeviceOverride.None.Custom)
        {
            if (value.ValueKind == JsonValueKind.Null)
                continue;

            writer.WritePropertyName(name);
            value.WriteTo(writer);
        }

        writer.WriteEndObject();
    }

    private static void WriteOrNull(Utf8JsonWriter writer, JsonEncodedText name, ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty)
            writer.WriteNull(name);
        else
            writer.WriteString(name, value);
    }

    /// <summary>Writes software rows. A plain row is put together from pieces that are JSON already.</summary>
    private ref struct SoftwareTarget
    {
        public required Utf8JsonWriter Writer;
        public required DeviceState Device;
        public required bool Unknown;
        public required Span<byte> Row;

        public readonly void Write(in SoftwareEntry entry)
        {
            var product = entry.Product;
            var text = new Utf8Text(Row);
            if (entry.Oddity == 0)
            {
                text.Append(product.RowHeads[entry.Release]);
            }
            else
            {
                text.Append("{\"name\":\""u8);
                if (entry.Oddity == SoftwareLists.Repeated)
                    text.Append(DataFile.Encode(SampleFleet.Shout(product.Name)).EncodedUtf8Bytes);

                text.Append("\",\"version\":\""u8);
                text.Append(product.Versions[entry.Release]);
                text.Append("\",\"publisher\":\""u8);
                text.Append(product.PublisherJson.EncodedUtf8Bytes);
                text.Append((byte)'"');
            }

            text.Append(",\"installDate\":\""u8);
            text.AppendDate(SampleFleet.Epoch.AddDays(entry.InstalledOn));
            text.Append((byte)'"');
            Span<byte> code = stackalloc byte[40];
            if (product.HasInstallKey)
            {
                text.Append(",\"installKey\":\""u8);
                text.Append(DeviceFacts.FormatInstallKey(Device, product, code));
                text.Append((byte)'"');
            }

            if (product.HasSerialNumber)
            {
                text.Append(",\"serialNumber\":\""u8);
                text.Append(DeviceFacts.FormatLicence(Device, product, code));
                text.Append((byte)'"');
            }

            if (Unknown)
                text.Append(",\"architecture\":\"x64\",\"evidence\":{\"registry\":[1,2]}"u8);

            text.Append((byte)'}');
            Writer.WriteRawValue(text.Written, skipInputValidation: true);
        }
    }
}
