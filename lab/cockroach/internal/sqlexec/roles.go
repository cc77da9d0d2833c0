package sqlexec

import (
	"encoding/json"
	"slices"
	"sort"
	"strings"

	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree"
)

// canManageRoles is the CREATEROLE privilege.
func (s *Session) canManageRoles(what string) error {
	ok, err := s.hasSystem("CREATEROLE")
	if err != nil || ok {
		return err
	}
	return errorf(codePrivilege, "user %s does not have CREATEROLE privilege", s.User).hint("needed to %s", what)
}

var reservedRoles = []string{adminRole, rootUser, nodeUser, public, "none"}

func (s *Session) createRole(n *tree.CreateRole) error {
	if err := s.canManageRoles("create a role"); err != nil {
		return err
	}
	name := s.roleName(n.Name)
	if slices.Contains([]string{nodeUser, public, "none"}, name) || strings.HasPrefix(name, "pg_") || strings.HasPrefix(name, "crdb_internal") {
		return errorf("42939", "role name %q is reserved", name)
	}
	exists, err := s.tx.get("user/"+name, new(role))
	if err != nil {
		return err
	}
	if exists {
		if n.IfNotExists {
			s.Notice("NOTICE", `role "`+name+`" already exists, skipping`)
			return nil
		}
		return errorf(codeDuplicate, "a role/user named %s already exists", name)
	}
	made := &role{Name: name, IsRole: n.IsRole}
	if n.IsRole {
		made.Options = []string{"NOLOGIN"}
	}
	if err := applyOptions(made, n.KVOptions); err != nil {
		return err
	}
	return s.tx.put("user/"+name, made)
}

// applyOptions takes role options. Passwords are refused: the stand-in knows certificates only.
func applyOptions(r *role, options tree.KVOptions) error {
	for _, option := range options {
		key := strings.ToUpper(strings.ReplaceAll(string(option.Key), "_", " "))
		switch key {
		case "PASSWORD":
			if option.Value == nil || option.Value == tree.DNull {
				continue
			}
			return unsupported("users with a PASSWORD (use client certificates)")
		case "VALID UNTIL", "SUBJECT", "PROVISIONSRC":
			return unsupported("the role option " + key)
		}
		positive := strings.TrimPrefix(key, "NO")
		negative := "NO" + positive
		r.Options = slices.DeleteFunc(r.Options, func(have string) bool { return have == positive || have == negative })
		if key != "LOGIN" && (key == "NOLOGIN" || key == positive) {
			r.Options = append(r.Options, key)
			sort.Strings(r.Options)
		}
	}
	return nil
}

func (s *Session) alterRole(n *tree.AlterRole) error {
	if err := s.canManageRoles("alter a role"); err != nil {
		return err
	}
	name := s.roleName(n.Name)
	found, err := s.findRole(name)
	if err != nil {
		if n.IfExists {
			return nil
		}
		return err
	}
	if name == rootUser || name == adminRole {
		return errorf(codePrivilege, "cannot edit %s user", name)
	}
	if err := applyOptions(found, n.KVOptions); err != nil {
		return err
	}
	return s.tx.put("user/"+name, found)
}

func (s *Session) dropRole(n *tree.DropRole) error {
	if err := s.canManageRoles("drop a role"); err != nil {
		return err
	}
	for _, spec := range n.Names {
		name := s.roleName(spec)
		if slices.Contains(reservedRoles, name) {
			return errorf(codePrivilege, "cannot drop special role %s", name)
		}
		if _, err := s.findRole(name); err != nil {
			if n.IfExists {
				continue
			}
			return err
		}
		if err := s.checkUnused(name); err != nil {
			return err
		}
		s.tx.delete("user/" + name)
	}
	return nil
}

func (s *Session) checkUnused(name string) error {
	used := func(what string, owner bool) error {
		if owner {
			return errorf(codeForeign, "role %s cannot be dropped because some objects depend on it\nowner of %s", name, what)
		}
		return errorf(codeForeign, "cannot drop role/user %s: grants still exist on %s", name, what)
	}
	all, err := s.databases()
	if err != nil {
		return err
	}
	for _, db := range all {
		if db.Owner == name {
			return used("database "+db.Name, true)
		}
		if len(db.Grants[name]) > 0 {
			return used("database "+db.Name, false)
		}
		tables, err := s.tables(db.Name)
		if err != nil {
			return err
		}
		for _, t := range tables {
			if t.Owner == name {
				return used("table "+t.full(), true)
			}
			if len(t.Grants[name]) > 0 {
				return used(t.full(), false)
			}
		}
	}
	found, err := s.findRole(name)
	if err == nil && len(found.System) > 0 {
		return errorf(codeForeign, "cannot drop role/user %s: it has system privileges", name).hint("REVOKE SYSTEM … first")
	}
	return err
}

var (
	databasePrivileges = []string{"ALL", "BACKUP", "CONNECT", "CREATE", "DROP", "RESTORE", "ZONECONFIG"}
	tablePrivileges    = []string{"ALL", "BACKUP", "CHANGEFEED", "CREATE", "DELETE", "DROP", "INSERT", "SELECT", "TRIGGER", "UPDATE", "ZONECONFIG"}
)

func (s *Session) changeMembership(roles tree.NameList, members tree.RoleSpecList, add bool) error {
	names, err := s.grantees(members)
	if err != nil {
		return err
	}
	for _, parent := range roles {
		parentName := strings.ToLower(string(parent))
		if _, err := s.findRole(parentName); err != nil {
			return err
		}
		if parentName == adminRole {
			if err := s.needAdmin("grant the admin role"); err != nil {
				return err
			}
		} else if err := s.canManageRoles("grant a role"); err != nil {
			return err
		}
		for _, name := range names {
			found, err := s.findRole(name)
			if err != nil {
				return err
			}
			if name == rootUser && parentName == adminRole && !add {
				return errorf(codePrivilege, "role/user root cannot be removed from role admin")
			}
			have := slices.DeleteFunc(found.MemberOf, func(one string) bool { return one == parentName })
			if add {
				have = append(have, parentName)
			}
			sort.Strings(have)
			found.MemberOf = have
			if err := s.tx.put("user/"+name, found); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Session) showUsers() (*Result, error) {
	pairs, err := s.tx.scan("user/")
	if err != nil {
		return nil, err
	}
	result := table("username", String, "options", Strings, "member_of", Strings, "estimated_last_login_time", TimestampTZ)
	for _, pair := range pairs {
		var r role
		if err := json.Unmarshal(pair.value, &r); err != nil {
			return nil, err
		}
		result.add(r.Name, strings1(r.Options), strings1(r.MemberOf), nil)
	}
	return result, nil
}
