using Larder.Gateway.Configuration;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Larder.Cli.Configuration;

/// <summary>
/// Reads one YAML 1.2 document with the core schema into a tree. It is made from the parser's events, not from the
/// library's own tree, because that is built by recursion without a limit and stops at the first name given twice.
/// Aliases stand for what they name; with all of them expanded the document keeps within <see cref="ConfigLimits"/>.
/// </summary>
internal sealed class YamlTree
{
    private const string CoreTags = "tag:yaml.org,2002:";

    private readonly Parser _parser;
    private readonly Dictionary<string, ConfigNode> _anchors = new(StringComparer.Ordinal);
    private long _size;

    private YamlTree(string text) => _parser = new Parser(new StringReader(text));

    /// <summary>Reads a document.</summary>
    /// <exception cref="ConfigSyntaxException">It is not YAML, too large or too deep, or more than one document.</exception>
    public static ConfigNode Read(string text)
    {
        var tree = new YamlTree(text);
        tree.Next();
        if (tree.Next() is StreamEnd) throw new ConfigSyntaxException("the document is empty");
        tree.Next();
        ConfigNode root = tree.Node(0);
        tree.Next();
        if (tree.Next() is not StreamEnd) throw tree.Malformed("there is a second document");
        return root;
    }

    private ParsingEvent Event => _parser.Current!;

    private int Line => (int)Event.Start.Line;

    private ParsingEvent Next()
    {
        try
        {
            while (_parser.MoveNext())
                if (Event is not Comment) return Event;
        }
        catch (YamlException e)
        {
            throw new ConfigSyntaxException("not YAML: " + Shown.Sentence(e.Message), (int)e.Start.Line);
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or FormatException or OverflowException or IndexOutOfRangeException)
        {
            // The scanner's own slips on malformed input, such as an escape beyond Unicode.
            throw new ConfigSyntaxException("not YAML: " + Shown.Sentence(e.Message));
        }
        throw new ConfigSyntaxException("not YAML: it ends too early");
    }

    /// <summary>The node whose event is current; afterwards its last event is.</summary>
    private ConfigNode Node(int depth)
    {
        if (Event is AnchorAlias alias) return Expanded(alias, depth);
        Count(1);
        ConfigNode node = Event switch
        {
            Scalar scalar => Scalar(scalar),
            SequenceStart start => List(start, depth),
            MappingStart start => Map(start, depth),
            _ => throw Malformed("something is misplaced"),
        };
        return node;
    }

    private ConfigList List(SequenceStart start, int depth)
    {
        CheckCollection(start.Tag, "seq", depth);
        int line = Line;
        var items = new List<ConfigNode>();
        while (Next() is not SequenceEnd) items.Add(Node(depth + 1));
        return Anchored(start, new ConfigList(items, line));
    }

    private ConfigMap Map(MappingStart start, int depth)
    {
        CheckCollection(start.Tag, "map", depth);
        int line = Line;
        var members = new List<ConfigMember>();
        while (Next() is not MappingEnd)
        {
            int nameLine = Line;
            if (Event is not Scalar name) throw Malformed("a name must be a plain or quoted text");
            string text = name.Value;
            Anchored(name, new ConfigText(text, nameLine));
            Next();
            members.Add(new(text, Node(depth + 1), nameLine));
        }
        return Anchored(start, new ConfigMap(members, line));
    }

    private ConfigNode Scalar(Scalar scalar)
    {
        string tag = scalar.Tag.IsEmpty ? "" : scalar.Tag.Value;
        bool plain = tag switch
        {
            "" => scalar.Style == ScalarStyle.Plain,
            "!" or CoreTags + "str" => false,
            CoreTags + "int" or CoreTags + "float" or CoreTags + "bool" or CoreTags + "null" => true,
            _ => throw Malformed($"the tag {Shown.Text(tag)} is not known"),
        };
        return Anchored(scalar, plain ? CoreSchema.Plain(scalar.Value, Line) : new ConfigText(scalar.Value, Line));
    }

    private ConfigNode Expanded(AnchorAlias alias, int depth)
    {
        if (!_anchors.TryGetValue(alias.Value.Value, out ConfigNode? node))
            throw Malformed($"the alias {Shown.Text("*" + alias.Value.Value)} names nothing that is complete before it");
        if (depth + node.Height > ConfigLimits.Depth) throw TooDeep();
        Count(node.Size);
        return node;
    }

    private T Anchored<T>(NodeEvent named, T node) where T : ConfigNode
    {
        if (!named.Anchor.IsEmpty) _anchors[named.Anchor.Value] = node;
        return node;
    }

    private void CheckCollection(TagName tag, string core, int depth)
    {
        if (!tag.IsEmpty && tag.Value != "!" && tag.Value != CoreTags + core) throw Malformed($"the tag {Shown.Text(tag.Value)} is not known");
        if (depth >= ConfigLimits.Depth) throw TooDeep();
    }

    private void Count(long values)
    {
        if ((_size += values) > ConfigLimits.Values)
            throw Malformed(FormattableString.Invariant($"it has more than {ConfigLimits.Values} values once every alias is expanded"));
    }

    private ConfigSyntaxException TooDeep() => Malformed(FormattableString.Invariant($"it is nested more than {ConfigLimits.Depth} levels deep"));

    private ConfigSyntaxException Malformed(string text) => new(text, Line);
}
