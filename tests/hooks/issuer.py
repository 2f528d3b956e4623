"""An identity provider: signs tokens with its key, and publishes it as a JWKS."""

import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

ISSUER = "https://accounts.google.com"
AUDIENCE = "https://imagebot.example.org/hooks/google/a"
EMAIL = "pushes@acme.iam.gserviceaccount.com"


class Issuer:
    """`fetched` counts how often its keys were asked for."""

    def __init__(self, key_id: str = "k1") -> None:
        self.key_id = key_id
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.fetched = 0

    def keys(self, url: str = "", is_internal: bool = False) -> bytes:
        self.fetched += 1
        published = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        entry = {**published, "kid": self.key_id, "alg": "RS256", "use": "sig"}
        return json.dumps({"keys": [{"kty": "new"}, entry, 7]}).encode()

    def token(self, *, algorithm: str = "RS256", key: Any = None, **claims: Any) -> str:
        now = int(time.time())
        said = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "1",
            "email": EMAIL,
            "email_verified": True,
            "iat": now,
            "exp": now + 3600,
            **claims,
        }
        said = {name: value for name, value in said.items() if value is not None}
        headers = {"kid": self.key_id}
        return jwt.encode(said, key or self.key, algorithm=algorithm, headers=headers)
