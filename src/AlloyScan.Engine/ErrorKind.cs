namespace AlloyScan.Engine;

/// <summary>What sort of failure an <see cref="AlloyScanException"/> reports. A host maps it to its own categories.</summary>
public enum ErrorKind
{
    /// <summary>Anything that has no better kind.</summary>
    Unspecified,

    /// <summary>Something the user gave is wrong: a name, a value, a combination.</summary>
    InvalidArgument,

    /// <summary>The named item does not exist.</summary>
    NotFound,

    /// <summary>An item of that name exists already.</summary>
    AlreadyExists,

    /// <summary>No connection: name not resolved, refused, broken, TLS failed.</summary>
    Connection,

    /// <summary>The other side does not know us: wrong client ID or secret, expired or disabled registration.</summary>
    Authentication,

    /// <summary>The other side knows us and refuses.</summary>
    PermissionDenied,

    /// <summary>A limit was reached and waiting did not help.</summary>
    LimitsExceeded,

    /// <summary>An answer or a file that cannot be understood.</summary>
    InvalidData,

    /// <summary>The other side took too long.</summary>
    Timeout,

    /// <summary>The other side failed (5xx) or a resource is not to be had now: locked, full, vanished.</summary>
    ResourceUnavailable,

    /// <summary>The item is in use by somebody else, for example a run that holds the lease.</summary>
    ResourceBusy,
}
