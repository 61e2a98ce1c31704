using System.Numerics;

namespace Larder.Tests.Memory;

/// <summary>What the policy remembers of keys that are not in memory, and how it judges.</summary>
public sealed class PolicyPartsTests
{
    [Fact]
    public void Ghosts_are_forgotten_after_about_as_many_as_there_are_entries()
    {
        var random = new Random(1);
        int[] hashes = [.. Enumerable.Range(0, 60_000).Select(_ => random.Next(int.MinValue, int.MaxValue))];
        var ghosts = new GhostQueue();
        foreach (int hash in hashes) ghosts.Remember(hash, 10_000);
        Assert.InRange(hashes[^5_000..].Count(ghosts.Forget), 4_000, 5_000);
        Assert.InRange(hashes[..40_000].Count(ghosts.Forget), 0, 400);
        Assert.False(ghosts.Forget(hashes[^1])); // it was forgotten when it was asked for
    }

    [Fact]
    public void A_few_ghosts_are_kept_exactly()
    {
        var ghosts = new GhostQueue();
        Assert.False(ghosts.Forget(0));
        ghosts.Remember(0, 3);
        Assert.True(ghosts.Forget(0));
        Assert.False(ghosts.Forget(0));
        ghosts.Remember(1 << 20, 3);
        for (int i = 0; i < 64; i++) ghosts.Remember(i << 16, 3);
        Assert.False(ghosts.Forget(1 << 20));
    }

    [Fact]
    public void Ghosts_outlive_the_next_ones_whatever_the_number_of_entries()
    {
        for (int entries = 1; entries < 4_000; entries++)
        {
            var ghosts = new GhostQueue();
            ghosts.Remember(1 << 20, entries);
            ghosts.Remember(7, entries);
            Assert.True(ghosts.Forget(1 << 20), $"with {entries} entries");
        }
    }

    [Fact]
    public void Frequencies_are_never_underestimated_until_they_are_halved()
    {
        var random = new Random(2);
        var sketch = new FrequencySketch();
        sketch.Fit(4_000);
        var model = new Dictionary<int, int>();
        for (int i = 0; i < 20_000; i++)
        {
            int hash = random.Next(4_000) * random.Next(2, 5) * 0x2545_F491, times = random.Next(1, 3);
            sketch.Record(hash, times);
            model[hash] = model.GetValueOrDefault(hash) + times;
        }
        Assert.All(model, pair => Assert.InRange(sketch.Of(pair.Key), Math.Min(pair.Value, 15), 15));
        Assert.True(model.Count(pair => sketch.Of(pair.Key) == Math.Min(pair.Value, 15)) > model.Count / 2, "most are exact");

        for (int i = 0; i < 15; i++) sketch.Record(1);
        Assert.Equal(15, sketch.Of(1));
        for (int i = 0; i < 45_000; i++) sketch.Record(i % 7 * 0x2545_F491 + 2);
        Assert.InRange(sketch.Of(1), 0, 7);
    }

    [Fact]
    public void Equal_ones_seldom_lead_and_a_better_one_soon_does()
    {
        var random = new Random(3);
        int falseLeads = 0;
        for (int contest = 0; contest < 200; contest++)
        {
            var equals = new Contest(2, 1_000);
            for (int i = 0; i < 2_000; i++) equals.Score(random.Next(2) == 0 ? 1u : 2u);
            if (equals.Leads(0, 1, 0) || equals.Leads(1, 0, 0)) falseLeads++;
        }
        Assert.InRange(falseLeads, 0, 6);

        var unequal = new Contest(2, 1_000);
        for (int i = 0; i < 500; i++) unequal.Score(random.Next(100) < 60 ? 1u : 2u);
        Assert.True(unequal.Leads(0, 1, 0));
        Assert.False(unequal.Leads(1, 0, 0));
        Assert.False(unequal.Leads(0, 1, 400));
    }

    [Fact]
    public void Old_points_fade()
    {
        var contest = new Contest(3, 100);
        for (int i = 0; i < 5_000; i++) contest.Score(0b001);
        Assert.True(contest.Leads(0, 1, 0) && contest.Leads(0, 2, 0) && !contest.Leads(1, 2, 0));
        // Hits of all or of none decide nothing, but time goes on; so long that the worth of points is scaled back.
        for (int i = 0; i < 100_000; i++) contest.Score(i % 2 == 0 ? 0b111u : 0);
        Assert.False(contest.Leads(0, 1, 0));
        for (int i = 0; i < 30; i++) contest.Score(0b110);
        Assert.True(contest.Leads(1, 0, 0) && contest.Leads(2, 0, 0));
    }

    [Fact]
    public void Who_changed_often_must_be_surer()
    {
        var contest = new Contest(2, 1_000);
        for (int i = 0; i < 20; i++) contest.Score(0b01);
        Assert.True(contest.Leads(0, 1, 0));
        for (int i = 0; i < 5; i++) contest.Change();
        Assert.False(contest.Leads(0, 1, 0));
        for (int i = 0; i < 5_000; i++) contest.Score(0);
        for (int i = 0; i < 20; i++) contest.Score(0b01);
        Assert.True(contest.Leads(0, 1, 0));
    }

    [Fact]
    public void Each_halving_leaves_half_of_the_sample()
    {
        var chooser = new PolicyChooser(100_000, long.MaxValue);
        var random = new Random(4);
        int[] hashes = [.. Enumerable.Range(0, 64_000).Select(_ => random.Next(int.MinValue, int.MaxValue))];
        int before = hashes.Length;
        foreach (int hash in hashes)
        {
            if (!chooser.Samples(hash)) continue;
            chooser.Access(hash, 1);
        }
        int sampled = hashes.Count(chooser.Samples);
        Assert.InRange(sampled, 400, 1_100);
        // Its own hash is mixed: keys whose hashes are alike in their upper or lower bits are sampled alike.
        Assert.InRange(Enumerable.Range(0, before).Count(chooser.Samples), sampled / 3, sampled * 3);
        Assert.InRange(Enumerable.Range(0, before).Count(i => chooser.Samples(i << 16)), sampled / 3, sampled * 3);
    }

    [Fact]
    public void Where_entries_become_fewer_and_larger_the_sample_grows_again()
    {
        var chooser = new PolicyChooser(int.MaxValue, 1_000_000);
        var random = new Random(6);
        Fill(cost: 10, keys: 100_000);
        int ofMany = Sampled();
        Fill(cost: 2_000, keys: 100_000);
        Assert.InRange(Sampled(), ofMany * 16, int.MaxValue);
        Fill(cost: 10, keys: 100_000);
        Assert.InRange(Sampled(), 0, ofMany * 4);

        int Sampled() => Enumerable.Range(0, 100_000).Count(i => chooser.Samples(i * 0x2545_F491));

        void Fill(long cost, int keys)
        {
            for (int i = 0; i < keys; i++)
            {
                int hash = random.Next(int.MinValue, int.MaxValue);
                // Twice: what is used once is filtered out, and the small entries would stay.
                for (int times = 0; times < 2 && chooser.Samples(hash); times++) chooser.Access(hash, cost);
            }
        }
    }

    [Fact]
    public void A_slot_table_is_a_dictionary()
    {
        var random = new Random(5);
        var table = new SlotTable();
        var model = new Dictionary<int, int>();
        for (int i = 0; i < 100_000; i++)
        {
            int hash = random.Next(3_000) << random.Next(2) * 12;
            bool known = model.TryGetValue(hash, out int slot);
            Assert.Equal(known ? slot : SlotTable.None, table.Find(hash));
            if (!known) model.Add(hash, table.Take(hash, i));
            else if (random.Next(3) == 0)
            {
                table.Free(slot);
                model.Remove(hash);
            }
        }
        Assert.Equal(model.Count, model.Values.Distinct().Count());
        Assert.True(BitOperations.Log2((uint)model.Values.Max()) <= 13, "freed slots are taken again");
    }
}
