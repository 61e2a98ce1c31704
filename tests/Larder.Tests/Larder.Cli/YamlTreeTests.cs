using System.Text;
using Larder.Cli.Configuration;
using Larder.Gateway.Configuration;
using Larder.Tests.Gateway.Configuration;

namespace Larder.Tests.Cli;

public sealed class YamlTreeTests
{
    [Theory]
    [InlineData("", typeof(ConfigNull))]
    [InlineData("~", typeof(ConfigNull))]
    [InlineData("Null", typeof(ConfigNull))]
    [InlineData("true", typeof(ConfigBoolean))]
    [InlineData("FALSE", typeof(ConfigBoolean))]
    [InlineData("yes", typeof(ConfigText))]
    [InlineData("on", typeof(ConfigText))]
    [InlineData("'5'", typeof(ConfigText))]
    [InlineData("\"true\"", typeof(ConfigText))]
    [InlineData("!!str 5", typeof(ConfigText))]
    [InlineData("! 5", typeof(ConfigText))]
    [InlineData("1:30", typeof(ConfigText))]
    [InlineData("1_000", typeof(ConfigText))]
    [InlineData("2026-01-01", typeof(ConfigText))]
    [InlineData("|\n  5", typeof(ConfigText))]
    [InlineData("{}", typeof(ConfigMap))]
    [InlineData("!!seq []", typeof(ConfigList))]
    public void Scalars_mean_what_the_core_schema_says(string yaml, Type kind) => Assert.IsType(kind, Value(yaml));

    [Theory]
    [InlineData("5", 5)]
    [InlineData("-5", -5)]
    [InlineData("+5", 5)]
    [InlineData("010", 10)]
    [InlineData("0o10", 8)]
    [InlineData("0xfF", 255)]
    [InlineData("1.", 1)]
    [InlineData(".5", 0.5)]
    [InlineData("1e3", 1000)]
    [InlineData("!!int 7", 7)]
    [InlineData(".inf", double.PositiveInfinity)]
    [InlineData("-.Inf", double.NegativeInfinity)]
    [InlineData(".NaN", double.NaN)]
    public void Numbers(string yaml, double expected) => Assert.Equal(expected, Assert.IsType<ConfigNumber>(Value(yaml)).Value);

    [Fact]
    public void A_name_is_a_text_however_it_looks() =>
        Assert.Equal(["5", "true", ""], Assert.IsType<ConfigMap>(YamlTree.Read("5: a\ntrue: b\n'': c")).Members.Select(m => m.Name));

    [Fact]
    public void Aliases_stand_for_what_they_name()
    {
        string[] messages = [.. ConfigFile.Parse("# note\norigin: http://a\nrules:\n  - &r { path: /a, ttl: &t 0 }\n  - *r\n  - { path: /b, ttl: *t }\n", "l.yml").Problems.Select(p => p.ToString())];

        const string Allowed = "0 is not allowed; a number of seconds from 1 to 31536000";
        Assert.Equal([$"l.yml:4: rules[0].ttl: {Allowed}", $"l.yml:4: rules[1].ttl: {Allowed}", $"l.yml:4: rules[2].ttl: {Allowed}"], messages);
    }

    [Theory]
    [InlineData("a: 1\na: 2", 2, "a: it is given twice")]
    [InlineData("", null, "the document is empty")]
    [InlineData("# nothing", null, "the document is empty")]
    [InlineData("rules: []\n---\na: 1", 2, "there is a second document")]
    [InlineData("? [a]\n: b", 1, "a name must be a plain or quoted text")]
    [InlineData("rules: !mine []", 1, "the tag \"!mine\" is not known")]
    [InlineData("rules: !!int []", 1, "the tag \"tag:yaml.org,2002:int\" is not known")]
    [InlineData("origin: !x http://a", 1, "the tag \"!x\" is not known")]
    [InlineData("rules: *r", 1, "the alias \"*r\" names nothing that is complete before it")]
    [InlineData("rules: &r\n- *r", 2, "the alias \"*r\" names nothing that is complete before it")]
    [InlineData("a: [", null, "not YAML: ")]
    [InlineData("a: b: c", null, "not YAML: ")]
    [InlineData("a: \"\\UFFFFFFFF\"", null, "not YAML: ")]
    [InlineData("a: @x", null, "not YAML: ")]
    public void Mistakes(string yaml, int? line, string begin)
    {
        var problems = ConfigFile.Parse(yaml, "l.yaml").Problems;

        Assert.Contains(problems, p => (p with { Source = "", Line = null }).ToString().StartsWith(begin, StringComparison.Ordinal) && (line is null || p.Line == line));
    }

    [Fact]
    public void An_alias_bomb_is_refused_before_it_goes_off()
    {
        var yaml = new StringBuilder("a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n");
        for (int i = 1; i <= 30; i++) yaml.Append(System.Globalization.CultureInfo.InvariantCulture, $"a{i}: &a{i} [{string.Join(',', Enumerable.Repeat($"*a{i - 1}", 10))}]\n");

        Assert.Equal(["it has more than 100000 values once every alias is expanded"], Documents.Messages(yaml.ToString(), "bomb.yaml"));
    }

    [Fact]
    public void Aliases_add_to_the_depth()
    {
        var yaml = new StringBuilder("a0: &a0 []\n");
        for (int i = 1; i <= 40; i++) yaml.Append(System.Globalization.CultureInfo.InvariantCulture, $"a{i}: &a{i} [*a{i - 1}]\n");

        Assert.Equal(["it is nested more than 32 levels deep"], Documents.Messages(yaml.ToString(), "deep.yaml"));
    }

    private static ConfigNode Value(string yaml) => Assert.IsType<ConfigMap>(YamlTree.Read("a: " + yaml)).Members[0].Value;
}
