namespace AlloyScan.Engine.Credentials;

/// <summary>How long an app registration is still good for, by the date that the store keeps.</summary>
public enum RegistrationState
{
    /// <summary>The store keeps no expiration date.</summary>
    Unknown,

    /// <summary>It expires in more than 30 days.</summary>
    Active,

    /// <summary>It expires in 30 days or fewer.</summary>
    ExpiringIn30Days,

    /// <summary>It expires in 7 days or fewer.</summary>
    ExpiringIn7Days,

    /// <summary>Its date has passed: the site gives no token any more.</summary>
    Expired,
}
