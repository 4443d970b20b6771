namespace AlloyScan.Engine.Cmdb;

/// <summary>Which CIs to read. Patterns know <c>*</c> and <c>?</c> and ignore case; <see langword="null"/> matches all.</summary>
public sealed record RecordFilter
{
    /// <summary>ID, exact, without case.</summary>
    public string? Id { get; init; }

    /// <summary>Pattern of the name.</summary>
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

/// <summary>Reads and edits configuration items and their software.</summary>
public sealed class CmdbRepository
{
    internal CmdbRepository()
    {
    }

    /// <summary>Streams computers in order of ID.</summary>
    /// <param name="filter">Which; <see langword="null"/> for all.</param>
    public IEnumerable<Computer> Computers(RecordFilter? filter = null) => throw new NotSupportedException();

    /// <summary>Streams hardware in order of ID.</summary>
    /// <param name="filter">Which; <see langword="null"/> for all.</param>
    public IEnumerable<HardwareItem> Hardware(RecordFilter? filter = null) => throw new NotSupportedException();

    /// <summary>Streams installations of computers that are not retired.</summary>
    /// <param name="computerId">ID of one computer; <see langword="null"/> for all.</param>
    /// <param name="name">Pattern of the product name; <see langword="null"/> for all.</param>
    /// <param name="productId">One product; <see langword="null"/> for all.</param>
    public IEnumerable<DiscoveredInstallation> Installations(string? computerId = null, string? name = null, long? productId = null) => throw new NotSupportedException();

    /// <summary>Streams the software catalog in order of name.</summary>
    /// <param name="name">Pattern of the product name; <see langword="null"/> for all.</param>
    /// <param name="publisher">Pattern of the publisher; <see langword="null"/> for all.</param>
    public IEnumerable<SoftwareProduct> Products(string? name = null, string? publisher = null) => throw new NotSupportedException();

    /// <summary>Fields that <see cref="Update"/> can set on a class, by their names in the views.</summary>
    /// <param name="recordClass">The class.</param>
    public static IReadOnlyList<string> EditableFields(Inventory.RecordClass recordClass) => throw new NotSupportedException();

    /// <summary>Changes fields of one CI by hand.</summary>
    /// <param name="recordClass">Class of the CI.</param>
    /// <param name="id">ID of the CI.</param>
    /// <param name="changes">New values by field name as in the views; <see langword="null"/> empties a field.</param>
    /// <returns>The CI as it is now.</returns>
    /// <exception cref="AlloyScanException">No such CI (<c>RecordNotFound</c>), no such field (<c>UnknownField</c>), a value of the wrong type (<c>InvalidFieldValue</c>).</exception>
    public ConfigurationItem Update(Inventory.RecordClass recordClass, string id, IReadOnlyDictionary<string, string?> changes) => throw new NotSupportedException();
}
