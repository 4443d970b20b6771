namespace AlloyScan.Engine.Site;

/// <summary>One step of a connection test.</summary>
/// <param name="Step">DNS, TLS, Token, Permission, Devices.</param>
/// <param name="Passed">Whether the step passed; <see langword="null"/> when it was not reached.</param>
/// <param name="Detail">What was found, or what failed in the other side's words.</param>
/// <param name="Advice">What to try; <see langword="null"/> when it passed.</param>
/// <param name="Elapsed">Time that the step took.</param>
public sealed record ConnectionCheck(string Step, bool? Passed, string Detail, string? Advice, TimeSpan Elapsed);
