/* The one extension, which holds the code of all compiled modules, so that what a request touches lies together.
 *
 * Cython makes a C file of each module; they are linked into this one, and `setup.py` writes their list, `modules.h`,
 * one line a module: MODULE(symbol of its initialization, name to import it by). The modules are found by
 * `gunicorn/_build.py`.
 */

#include <Python.h>
#include <string.h>

#define MODULE(symbol, name) PyObject *symbol(void);
#include "modules.h"
#undef MODULE

static const struct {
    const char *name;
    PyObject *(*definition)(void);
} table[] = {
#define MODULE(symbol, name) {name, symbol},
#include "modules.h"
#undef MODULE
};

#define MODULES ((Py_ssize_t)(sizeof table / sizeof *table))

static PyObject *create(PyObject *self, PyObject *spec)
{
    PyObject *name = PyObject_GetAttrString(spec, "name"), *definition, *module = NULL;
    Py_ssize_t i;

    (void)self;
    if (name == NULL)
        return NULL;
    if (!PyUnicode_Check(name)) {
        PyErr_SetString(PyExc_TypeError, "a spec's name is text");
        Py_DECREF(name);
        return NULL;
    }
    for (i = 0; i < MODULES; i++)
        if (PyUnicode_CompareWithASCIIString(name, table[i].name) == 0)
            break;
    if (i == MODULES) {
        PyErr_Format(PyExc_ImportError, "%R is not in this extension", name);
    } else {
        /* Borrowed: it lives as long as the process. */
        definition = table[i].definition();
        if (definition != NULL && !PyObject_TypeCheck(definition, &PyModuleDef_Type))
            PyErr_Format(PyExc_ImportError, "%R was not compiled for an initialization in two phases", name);
        else if (definition != NULL)
            module = PyModule_FromDefAndSpec((PyModuleDef *)definition, spec);
    }
    Py_DECREF(name);
    return module;
}

static int fill(PyObject *module)
{
    PyObject *names = PyFrozenSet_New(NULL), *name;
    Py_ssize_t i;
    int status = names == NULL ? -1 : 0;

    for (i = 0; status == 0 && i < MODULES; i++) {
        name = PyUnicode_FromString(table[i].name);
        status = name == NULL ? -1 : PySet_Add(names, name);
        Py_XDECREF(name);
    }
    if (status == 0)
        status = PyModule_AddObjectRef(module, "modules", names);
    Py_XDECREF(names);
    return status;
}

static PyMethodDef methods[] = {
    {"create", create, METH_O,
     "create(spec): a new module of that name, not yet executed; ImportError when it is not in here."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, (void *)fill},
#ifdef Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
    {0, NULL},
};

static PyModuleDef extension = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "gunicorn._compiled",
    .m_doc = "The code of all compiled modules; `modules` has their names.",
    .m_size = 0,
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__compiled(void)
{
    return PyModuleDef_Init(&extension);
}
