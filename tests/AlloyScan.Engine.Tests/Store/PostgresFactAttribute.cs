namespace AlloyScan.Engine.Tests;

/// <summary>A test that needs a PostgreSQL server, and is skipped with the reason where none is named.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class PostgresFactAttribute : FactAttribute
{
    public PostgresFactAttribute()
    {
        if (TestStore.Server is null)
            Skip = Reason;
    }

    public const string Reason = "no PostgreSQL server: ALLOYSCAN_TEST_POSTGRES does not name a database such as postgresql://user@localhost/alloyscan_test";
}
