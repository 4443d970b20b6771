namespace AlloyScan.SampleSite;

/// <summary>The class that a device has in a CMDB.</summary>
public enum SampleDeviceClass
{
    /// <summary>Computers of every kind, virtual machines and hypervisor hosts.</summary>
    Computer,

    /// <summary>Printers, network gear and other devices.</summary>
    Hardware,
}

/// <summary>What happened to a device on a day.</summary>
public enum SampleChange
{
    /// <summary>Nothing, and it was not seen.</summary>
    None,

    /// <summary>It was seen, and nothing about it changed: only <c>lastSeen</c> moves.</summary>
    Seen,

    /// <summary>It has a new name.</summary>
    Renamed,

    /// <summary>Its operating system was patched or upgraded.</summary>
    OperatingSystem,

    /// <summary>Software was added, removed or upgraded.</summary>
    Software,

    /// <summary>It was given to somebody else.</summary>
    User,

    /// <summary>Memory was added.</summary>
    Memory,

    /// <summary>It got another board, and with it another serial number, BIOS UUID and MAC address.</summary>
    Board,

    /// <summary>It exchanged its network card with another machine.</summary>
    Adapter,

    /// <summary>It is new in the list.</summary>
    Added,

    /// <summary>It is gone from the list.</summary>
    Removed,
}

/// <summary>The truth about a device on one day, against which a synchronisation can be checked.</summary>
public sealed record SampleDevice
{
    /// <summary>Place in the order of the list, before gaps.</summary>
    public required int Index { get; init; }

    /// <summary>The day that this is about.</summary>
    public required int Day { get; init; }

    /// <summary>Device ID.</summary>
    public required Guid Id { get; init; }

    /// <summary>The machine itself. Two devices with one number are the same machine (re-imaged, or listed twice); with two numbers they are never.</summary>
    public required int MachineNumber { get; init; }

    /// <summary>Why the device is in the list.</summary>
    public required SampleOrigin Origin { get; init; }

    /// <summary>Index of the device that it follows, where <see cref="Origin"/> speaks of one and the fleet has doubts; else -1.</summary>
    public required int FormerIndex { get; init; }

    /// <summary>The device is not seen any more: it lies in a drawer, or its machine has another device by now.</summary>
    public required bool IsSilent { get; init; }

    /// <summary>Whether the device is in the list on this day.</summary>
    public required bool IsListed { get; init; }

    /// <summary>The class that it must get.</summary>
    public required SampleDeviceClass Class { get; init; }

    /// <summary>The <c>type</c> in the list, or null.</summary>
    public required string? Type { get; init; }

    /// <summary>What it physically is, such as <c>Laptop</c> or <c>VirtualMachine</c>.</summary>
    public required string Form { get; init; }

    /// <summary><c>Windows</c>, <c>Linux</c>, <c>macOS</c> or null.</summary>
    public required string? Platform { get; init; }

    /// <summary>Name in the list; null where the site has none.</summary>
    public required string? Name { get; init; }

    /// <summary>DNS name, or null.</summary>
    public required string? DnsName { get; init; }

    /// <summary>Serial number as the site gives it; may be empty, or junk.</summary>
    public required string SerialNumber { get; init; }

    /// <summary>The serial number identifies the machine, or a group of clones. A placeholder does not, nor does what a maker gave a whole series.</summary>
    public required bool HasGoodSerialNumber { get; init; }

    /// <summary>BIOS UUID as the snapshot gives it; null if it has none.</summary>
    public required string? BiosUuid { get; init; }

    /// <summary>The BIOS UUID identifies the machine, or a group of clones.</summary>
    public required bool HasGoodBiosUuid { get; init; }

    /// <summary>MAC address in the list.</summary>
    public required string MacAddress { get; init; }

    /// <summary>The address in the list is that of a dock which others use too.</summary>
    public required bool HasSharedMacAddress { get; init; }

    /// <summary>IP address in the list.</summary>
    public required string IPAddress { get; init; }

    /// <summary>Asset tag, or null.</summary>
    public required string? AssetTag { get; init; }

    /// <summary>Clones of one virtual machine share serial number and BIOS UUID, and this number; -1 for all others.</summary>
    public required int CloneGroup { get; init; }

    /// <summary>ID of the current snapshot.</summary>
    public required Guid AuditId { get; init; }

    /// <summary>Time of the current snapshot, in UTC.</summary>
    public required DateTime AuditDate { get; init; }

    /// <summary>When it was last seen, in UTC.</summary>
    public required DateTime LastSeen { get; init; }

    /// <summary>The day on which it first was in the list.</summary>
    public required int BornOn { get; init; }

    /// <summary>The day of its last change.</summary>
    public required int ChangedOn { get; init; }

    /// <summary>Its last change.</summary>
    public required SampleChange LastChange { get; init; }

    /// <summary>Operating system with version and build, or null.</summary>
    public required string? OperatingSystem { get; init; }

    /// <summary>Memory in bytes; 0 where it is not known.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>Login of the user, or null.</summary>
    public required string? UserLogin { get; init; }

    /// <summary>Rows in the snapshot's software list.</summary>
    public required int SoftwareRows { get; init; }

    /// <summary>Different products among them: rows without a name don't count, and repeats count once.</summary>
    public required int Installations { get; init; }
}

/// <summary>A network adapter as a snapshot lists it.</summary>
/// <param name="Name">Name.</param>
/// <param name="MacAddress">MAC address.</param>
/// <param name="IsVirtual">It is made by software.</param>
/// <param name="IsShared">It is a dock, or made by software, and others have the same address.</param>
public sealed record SampleAdapter(string Name, string MacAddress, bool IsVirtual, bool IsShared);

/// <summary>A row of a snapshot's software list.</summary>
/// <param name="Name">Product name; empty in junk rows.</param>
/// <param name="Version">Version.</param>
/// <param name="Publisher">Publisher.</param>
/// <param name="InstallDate">Date of installation.</param>
/// <param name="InstallKey">Product key, or null.</param>
/// <param name="SerialNumber">Serial number of the licence, or null.</param>
public sealed record SampleSoftware(string Name, string Version, string Publisher, DateOnly InstallDate, string? InstallKey, string? SerialNumber);
