using Larder.Cli.Configuration;
using Larder.Tests.Gateway.Configuration;

namespace Larder.Tests.Cli;

/// <summary>A document means the same in JSON and in YAML, and no text is more than a message.</summary>
public sealed class TwoLanguagesTests
{
    [Fact]
    public void The_same_document_gives_the_same_options_or_the_same_messages()
    {
        int right = 0, wrong = 0;
        for (int seed = 0; seed < 2000; seed++)
        {
            var writing = new Writing(new(seed));
            object? document = writing.Document();
            string json = Writing.Json(document), yaml = writing.Yaml(document);

            string expected = Documents.Outcome(ConfigFile.Parse(json, "a.json")), actual = Documents.Outcome(ConfigFile.Parse(yaml, "a.yaml"));

            Assert.True(expected == actual, $"seed {seed}:\n{json}\n{yaml}\n--- JSON\n{expected}\n--- YAML\n{actual}");
            if (expected.StartsWith("http://127.0.0.1:8081/ ", StringComparison.Ordinal)) right++;
            else wrong++;
        }
        Assert.True(right > 300 && wrong > 300, $"{right} right, {wrong} wrong");
    }

    [Theory]
    [InlineData("fuzz.json")]
    [InlineData("fuzz.yaml")]
    public void Whatever_the_text_it_is_read_or_reported(string file)
    {
        for (int seed = 0; seed < 10_000; seed++)
        {
            var writing = new Writing(new(seed));
            string text = seed % 2 == 0 ? writing.Noise() : writing.Damaged(file.EndsWith("json", StringComparison.Ordinal) ? Writing.Json(writing.Document()) : writing.Yaml(writing.Document()));
            try
            {
                var result = ConfigFile.Parse(text, file);
                Assert.All(result.Problems, p => Assert.DoesNotContain('\n', p.ToString()));
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}: {e}\n{text}");
            }
        }
    }
}
