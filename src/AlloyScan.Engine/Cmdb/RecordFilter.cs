namespace AlloyScan.Engine.Cmdb;

/// <summary>Which CIs to read. Patterns know <c>*</c> and <c>?</c> and ignore case; <see langword="null"/> matches all.</summary>
public sealed record RecordFilter
{
    /// <summary>ID, exact, without case.</summary>
    public string? Id { get; init; }

    /// <summary>Pattern of the name, or an ID.</summary>
    public string? Name { get; init; }

    /// <summary>Pattern of the serial number.</summary>
    public string? SerialNumber { get; init; }

    /// <summary>Pattern of the status.</summary>
    public string? Status { get; init; }

    /// <summary>Exact device ID.</summary>
    public string? DeviceId { get; init; }

    /// <summary>Name of the target; <see langword="null"/> for all.</summary>
    public string? Target { get; init; }
}
