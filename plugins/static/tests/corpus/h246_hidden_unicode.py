def f(a):
    # text ‮detimrep si siht‬
    return a
