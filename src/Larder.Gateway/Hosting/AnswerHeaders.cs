using Larder.Gateway.Forwarding;
using Microsoft.AspNetCore.Http;

namespace Larder.Gateway.Hosting;

/// <summary>
/// The header changes that all answers get, in front of the cache: stored responses are not touched, so a change in the
/// configuration holds for them at once.
/// </summary>
internal static class AnswerHeaders
{
    /// <summary>Changes the answer of the rest of the pipeline.</summary>
    public static Task InvokeAsync(HttpContext context, RequestDelegate next, Forwarder forwarder)
    {
        FieldChanges changes = forwarder.Plan.Options.Headers.Response;
        if (!changes.IsEmpty)
        {
            IHeaderDictionary headers = context.Response.Headers;
            context.Response.OnStarting(() =>
            {
                FieldEditor.Apply(changes, headers);
                return Task.CompletedTask;
            });
        }
        return next(context);
    }
}
