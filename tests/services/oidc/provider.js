// A real OpenID provider with people whose sign-in is a click less: the interaction is answered by itself.
//
// node provider.js PORT ISSUER CLIENT_ID CLIENT_SECRET REDIRECT AFTER_SIGN_OUT PEOPLE
// PEOPLE is JSON: login -> {name, groups}. Who signs in is said by the request's login_hint, which the tests
// add to the address that journalguard sends the browser to; without one it is the first.
import Provider from "oidc-provider";

const [port, issuer, clientId, clientSecret, redirect, afterSignOut, peopleText] = process.argv.slice(2);
const people = JSON.parse(peopleText);

const provider = new Provider(issuer, {
  clients: [{
    client_id: clientId,
    client_secret: clientSecret,
    redirect_uris: [redirect],
    post_logout_redirect_uris: [afterSignOut],
    response_types: ["code"],
    grant_types: ["authorization_code"],
    token_endpoint_auth_method: "client_secret_basic",
    require_auth_time: true,
  }],
  pkce: { required: () => true },
  claims: { openid: ["sub"], profile: ["name", "groups"] },
  features: {
    devInteractions: { enabled: false },
    rpInitiatedLogout: { enabled: true },
  },
  interactions: { url: (_, interaction) => `/people/${interaction.uid}` },
  findAccount: (_, login) => people[login] && {
    accountId: login,
    claims: () => ({ sub: login, ...people[login] }),
  },
  cookies: { keys: ["of a test"] },
});

// What a person would do on the provider's own pages.
provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith("/people/")) return next();
  const { prompt, params, session, grantId } = await provider.interactionDetails(ctx.req, ctx.res);
  let result;
  if (prompt.name === "login") {
    result = { login: { accountId: params.login_hint ?? Object.keys(people)[0], amr: ["pwd"], remember: true } };
  } else {
    const grant = grantId ? await provider.Grant.find(grantId)
      : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    grant.addOIDCScope("openid profile");
    result = { consent: { grantId: await grant.save() } };
  }
  await provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: true });
});

provider.listen(Number(port), "127.0.0.1", () => console.log("listening"));
