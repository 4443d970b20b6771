namespace AlloyScan.Engine.Site;

/// <summary>An item of the device list that could not be understood.</summary>
/// <param name="DeviceId">Its ID, if that much could be read.</param>
/// <param name="Name">Its name, if that much could be read.</param>
/// <param name="Reason">What was wrong, naming the field.</param>
public sealed record UnreadableDevice(string? DeviceId, string? Name, string Reason);
