using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Reflection;

namespace Larder;

/// <summary>A text with the values of arguments in it: <c>order:{order.Id}</c>.</summary>
[RequiresUnreferencedCode("Looks up properties by their names.")]
internal sealed class MethodTemplate
{
    private readonly record struct Piece(string? Text, int Argument, PropertyInfo[] Path);

    private readonly List<Piece> _pieces = [];

    /// <summary>Reads a template; what is wrong with it is added to <paramref name="problems"/>.</summary>
    public MethodTemplate(string text, ParameterInfo[] parameters, List<string> problems)
    {
        for (int at = 0; at < text.Length;)
        {
            int open = text.IndexOf('{', at);
            if (open != at)
            {
                int end = open < 0 ? text.Length : open;
                _pieces.Add(new(text[at..end], 0, []));
                at = end;
                continue;
            }
            int close = text.IndexOf('}', open);
            if (close < 0)
            {
                problems.Add($"'{text}' has a brace that is not closed");
                return;
            }
            AddName(text[(open + 1)..close], text, parameters, problems);
            at = close + 1;
        }
    }

    public bool IsConstant => _pieces.All(piece => piece.Text is not null);

    /// <summary>The most characters that <see cref="FillTag"/> may come to.</summary>
    public int MaxTagLength => _pieces.Sum(piece => piece.Text?.Length ?? TagValue.MaxLength);

    /// <summary>The text with the values as they are.</summary>
    public string Fill(object?[] arguments) => string.Concat(_pieces.Select(piece => piece.Text ?? TextOf(ValueOf(piece, arguments)) ?? ""));

    /// <summary>The text with the values so that no value can add a level to the tag's hierarchy, and no two values make one tag.</summary>
    public string FillTag(object?[] arguments) => string.Concat(_pieces.Select(piece => piece.Text ?? TagValue.Write(TextOf(ValueOf(piece, arguments)))));

    private void AddName(string name, string text, ParameterInfo[] parameters, List<string> problems)
    {
        string[] steps = name.Split('.');
        int argument = Array.FindIndex(parameters, p => p.Name == steps[0]);
        if (argument < 0)
        {
            problems.Add($"'{text}' names '{steps[0]}', which is no parameter");
            return;
        }
        Type type = parameters[argument].ParameterType;
        var path = new PropertyInfo[steps.Length - 1];
        for (int i = 0; i < path.Length; i++)
        {
            if (type.GetProperty(steps[i + 1]) is not { CanRead: true } property)
            {
                problems.Add($"'{text}' names '{steps[i + 1]}', which {type.Name} has not");
                return;
            }
            path[i] = property;
            type = property.PropertyType;
        }
        if (!KeyValues.IsScalar(type)) problems.Add($"'{text}' names '{name}', of whose type {type.Name} no text can be made");
        _pieces.Add(new(null, argument, path));
    }

    private static object? ValueOf(in Piece piece, object?[] arguments)
    {
        object? value = arguments[piece.Argument];
        foreach (PropertyInfo property in piece.Path)
        {
            if (value is null) return null;
            value = property.GetValue(value);
        }
        return value;
    }

    private static string? TextOf(object? value) => value switch
    {
        DateTime or DateTimeOffset or DateOnly or TimeOnly => ((IFormattable)value).ToString("O", CultureInfo.InvariantCulture),
        IFormattable formattable => formattable.ToString(null, CultureInfo.InvariantCulture),
        _ => value?.ToString(),
    };
}
