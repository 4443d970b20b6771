using AlloyScan.Engine.Site.Transport;
using Xunit;

namespace AlloyScan.Engine.Tests.Site;

public sealed class RateGovernorTests
{
    private readonly InstantTime _time = new();

    private RateGovernor Governor(int max = 8, double random = 0) => new(max, _time, () => random, _ => { });

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 3)]
    [InlineData(8, 4)]
    public void It_starts_low(int max, int start) => Assert.Equal(start, Governor(max).Limit);

    [Fact]
    public async Task Whoever_finds_no_place_waits_for_one_in_turn()
    {
        RateGovernor governor = Governor(max: 2);
        RateGovernor.Place one = await governor.EnterAsync(default);
        RateGovernor.Place two = await governor.EnterAsync(default);
        Task<RateGovernor.Place> three = governor.EnterAsync(default).AsTask();
        Task<RateGovernor.Place> four = governor.EnterAsync(default).AsTask();

        one.Dispose();
        one.Dispose();
        RateGovernor.Place third = await three;

        Assert.False(four.IsCompleted);
        two.Dispose();
        third.Dispose();
        (await four).Dispose();
    }

    [Fact]
    public async Task Whoever_gives_up_while_waiting_takes_no_place_away()
    {
        RateGovernor governor = Governor(max: 1);
        RateGovernor.Place one = await governor.EnterAsync(default);
        using CancellationTokenSource cts = new();
        Task<RateGovernor.Place> impatient = governor.EnterAsync(cts.Token).AsTask();
        Task<RateGovernor.Place> patient = governor.EnterAsync(default).AsTask();

        await cts.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => impatient);
        one.Dispose();

        (await patient).Dispose();
        (await governor.EnterAsync(default)).Dispose();
    }

    [Fact]
    public async Task Whoever_gives_up_during_a_pause_leaves_the_place()
    {
        InstantTime slow = new() { LongestWait = TimeSpan.Zero };
        RateGovernor governor = new(1, slow, () => 0, _ => { });
        using (RateGovernor.Place place = await governor.EnterAsync(default))
        {
            place.Throttled(TimeSpan.FromSeconds(30));
        }

        using CancellationTokenSource cts = new();
        Task<RateGovernor.Place> waiting = governor.EnterAsync(cts.Token).AsTask();
        Task<RateGovernor.Place> next = governor.EnterAsync(default).AsTask();
        await cts.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        Assert.False(next.IsCompleted);

        // The next one got the place and waits out the pause.
        for (int i = 0; i < 100 && !next.IsCompleted; i++)
        {
            slow.Advance(TimeSpan.FromSeconds(31));
            await Task.WhenAny(next, Task.Delay(20));
        }

        (await next).Dispose();
    }

    [Fact]
    public async Task A_burst_of_429_counts_once()
    {
        RateGovernor governor = Governor(max: 8);
        RateGovernor.Place[] burst = [await governor.EnterAsync(default), await governor.EnterAsync(default), await governor.EnterAsync(default)];

        TimeSpan[] waits = [.. burst.Select(p => p.Throttled(null))];
        Array.ForEach(burst, p => p.Dispose());

        Assert.Equal(2, governor.Limit);
        Assert.All(waits, w => Assert.Equal(TimeSpan.FromSeconds(1), w));
        using RateGovernor.Place later = await governor.EnterAsync(default);
        Assert.Equal([TimeSpan.FromSeconds(1)], _time.Waits);
        Assert.Equal(TimeSpan.FromSeconds(2), later.Throttled(null));
        Assert.Equal(1, governor.Limit);
    }

    [Fact]
    public async Task The_longest_asked_wait_of_a_burst_holds()
    {
        RateGovernor governor = Governor();
        RateGovernor.Place one = await governor.EnterAsync(default);
        RateGovernor.Place two = await governor.EnterAsync(default);
        one.Throttled(TimeSpan.FromSeconds(3));
        two.Throttled(TimeSpan.FromSeconds(9));
        one.Dispose();
        two.Dispose();

        (await governor.EnterAsync(default)).Dispose();

        Assert.Equal([TimeSpan.FromSeconds(9)], _time.Waits);
    }

    [Fact]
    public async Task The_limit_never_falls_below_one_and_waits_never_grow_beyond_a_minute()
    {
        RateGovernor governor = Governor(random: 1);
        for (int i = 0; i < 12; i++)
        {
            using RateGovernor.Place place = await governor.EnterAsync(default);
            Assert.InRange(place.Throttled(null), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60));
            Assert.InRange(governor.Limit, 1, 8);
        }

        Assert.Equal(1, governor.Limit);
    }

    [Fact]
    public async Task Successes_raise_the_limit_to_the_maximum_and_no_further()
    {
        RateGovernor governor = Governor(max: 6);
        for (int i = 0; i < 100; i++)
        {
            using RateGovernor.Place place = await governor.EnterAsync(default);
            place.Succeeded();
        }

        Assert.Equal(6, governor.Limit);
    }

    /// <summary>Many workers with chance successes, refusals and losses of patience: places are never lost and never too many.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(64)]
    public async Task Places_are_neither_lost_nor_multiplied(int max)
    {
        RateGovernor governor = Governor(max);
        int active = 0;
        int seed = 0;
        await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => Task.Run(async () =>
        {
            Random random = new(Interlocked.Increment(ref seed));
            for (int i = 0; i < 100; i++)
            {
                using CancellationTokenSource cts = new();
                if (random.Next(10) == 0)
                {
                    cts.CancelAfter(TimeSpan.FromMilliseconds(random.Next(3)));
                }

                try
                {
                    using RateGovernor.Place place = await governor.EnterAsync(cts.Token);
                    Assert.InRange(Interlocked.Increment(ref active), 1, max);
                    await Task.Yield();
                    Interlocked.Decrement(ref active);
                    if (random.Next(20) == 0)
                    {
                        place.Throttled(random.Next(2) == 0 ? null : TimeSpan.FromSeconds(1));
                    }
                    else
                    {
                        place.Succeeded();
                    }
                }
                catch (OperationCanceledException)
                {
                    // Part of the game.
                }
            }
        })));

        // All places are free again: as many as the limit says enter at once.
        List<RateGovernor.Place> all = [];
        for (int i = 0; i < governor.Limit; i++)
        {
            all.Add(await governor.EnterAsync(default).AsTask().WaitAsync(TimeSpan.FromSeconds(30)));
        }

        Task<RateGovernor.Place> oneMore = governor.EnterAsync(default).AsTask();
        Assert.False(oneMore.IsCompleted);
        all.ForEach(p => p.Dispose());
        (await oneMore).Dispose();
    }
}
