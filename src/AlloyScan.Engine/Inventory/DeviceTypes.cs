namespace AlloyScan.Engine.Inventory;

/// <summary>What the site's device types mean to the CMDB.</summary>
internal static class DeviceTypes
{
    /// <summary>The meaning of one type.</summary>
    internal enum Meaning
    {
        /// <summary>A type that we do not know; taken as Hardware and reported once a run.</summary>
        Unknown,

        /// <summary>No type: the snapshot decides.</summary>
        Untyped,

        /// <summary>A computer of any kind.</summary>
        Computer,

        /// <summary>Any other device.</summary>
        Hardware,

        /// <summary>A cloud resource that is no machine; skipped and counted.</summary>
        CloudResource,
    }

    private static readonly Dictionary<string, (Meaning Meaning, string Label)> s_types = new(StringComparer.OrdinalIgnoreCase)
    {
        ["computer"] = (Meaning.Computer, "Computer"),
        ["windows-computer"] = (Meaning.Computer, "Computer"),
        ["linux-computer"] = (Meaning.Computer, "Computer"),
        ["macos-computer"] = (Meaning.Computer, "Computer"),
        ["mac-computer"] = (Meaning.Computer, "Computer"),
        ["server"] = (Meaning.Computer, "Server"),
        ["workstation"] = (Meaning.Computer, "Workstation"),
        ["laptop"] = (Meaning.Computer, "Laptop"),
        ["virtual-machine"] = (Meaning.Computer, "Virtual machine"),
        ["vmware-esxi"] = (Meaning.Computer, "Hypervisor host"),
        ["vmware-vm"] = (Meaning.Computer, "Virtual machine"),
        ["citrix-hypervisor"] = (Meaning.Computer, "Hypervisor host"),
        ["xenserver"] = (Meaning.Computer, "Hypervisor host"),
        ["hyper-v-host"] = (Meaning.Computer, "Hypervisor host"),
        ["aws-ec2-instance"] = (Meaning.Computer, "Cloud instance"),
        ["azure-virtual-machine"] = (Meaning.Computer, "Cloud instance"),
        ["google-vm-instance"] = (Meaning.Computer, "Cloud instance"),
        ["printer"] = (Meaning.Hardware, "Printer"),
        ["network-device"] = (Meaning.Hardware, "Network Device"),
        ["switch"] = (Meaning.Hardware, "Switch"),
        ["router"] = (Meaning.Hardware, "Router"),
        ["firewall"] = (Meaning.Hardware, "Firewall"),
        ["access-point"] = (Meaning.Hardware, "Access Point"),
        ["snmp-device"] = (Meaning.Hardware, "Network Device"),
        ["ups"] = (Meaning.Hardware, "UPS"),
        ["other"] = (Meaning.Hardware, "Other"),
    };

    private static readonly string[] s_cloudPrefixes = ["aws-", "azure-", "google-", "gcp-"];

    public static Meaning Of(string? type)
    {
        if (string.IsNullOrWhiteSpace(type))
            return Meaning.Untyped;

        type = type.Trim();
        if (s_types.TryGetValue(type, out var known))
            return known.Meaning;

        foreach (var prefix in s_cloudPrefixes)
        {
            if (type.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
            {
                return type.Contains("instance", StringComparison.OrdinalIgnoreCase) && !type.Contains("database", StringComparison.OrdinalIgnoreCase)
                    || type.Contains("virtual-machine", StringComparison.OrdinalIgnoreCase)
                    ? Meaning.Computer
                    : Meaning.CloudResource;
            }
        }

        return Meaning.Unknown;
    }

    /// <summary>The type in words, for the CI's type field.</summary>
    public static string Label(string? type) =>
        string.IsNullOrWhiteSpace(type) ? "Other" : s_types.TryGetValue(type.Trim(), out var known) ? known.Label : type.Trim();

    /// <summary>The family of an operating system by the words that sites use, or <see langword="null"/>.</summary>
    public static string? Platform(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
            return null;

        text = text.Trim();
        if (text.StartsWith("win", StringComparison.OrdinalIgnoreCase) || text.StartsWith("microsoft win", StringComparison.OrdinalIgnoreCase))
            return "Windows";
        if (text.StartsWith("mac", StringComparison.OrdinalIgnoreCase) || text.StartsWith("darwin", StringComparison.OrdinalIgnoreCase) || text.StartsWith("os x", StringComparison.OrdinalIgnoreCase))
            return "macOS";
        return text.Contains("linux", StringComparison.OrdinalIgnoreCase) ? "Linux" : text;
    }

    /// <summary>The platform as software import tells them apart.</summary>
    public static SoftwarePlatforms SoftwarePlatform(string? platform) => platform switch
    {
        "Windows" => SoftwarePlatforms.Windows,
        "Linux" => SoftwarePlatforms.Linux,
        "macOS" => SoftwarePlatforms.MacOS,
        _ => SoftwarePlatforms.Other,
    };
}
